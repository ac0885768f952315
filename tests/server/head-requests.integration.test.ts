import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { Person } from '../support/person.js'

let instances: Instances
beforeAll(async () => {
  instances = await startInstances(1)
})
afterAll(() => instances?.stop())

it('answers HEAD like GET, without a body, as monitors ask', async () => {
  const url = instances.urls[0] ?? ''
  for (const path of ['/', '/livez', '/readyz', '/metrics', '/docs/openapi.json']) {
    const head = await fetch(`${url}${path}`, { method: 'HEAD' })
    const get = await fetch(`${url}${path}`)
    expect({ path, status: head.status }).toEqual({ path, status: get.status })
    expect(await head.text()).toBe('')
    await get.body?.cancel()
  }
})

it('lets HEAD see no more than GET', async () => {
  const nora = await Person.signUp(instances.urls[0] ?? '', 'Nora')
  const path = `${nora.url}/api/v1/rooms`
  expect((await fetch(path, { method: 'HEAD' })).status).toBe(401)
  const headers = { authorization: `Bearer ${nora.accessToken}` }
  expect((await fetch(path, { method: 'HEAD', headers })).status).toBe(200)
})
