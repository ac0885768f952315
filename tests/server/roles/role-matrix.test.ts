import { Compile } from 'typebox/compile'
import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { type Json, request } from '../../support/person.js'
import { BINDINGS, type Binding, type Called, callBinding } from './calling.js'
import { closeCast, makeScene, type Scene, STANDINGS, type Standing, signUpCast } from './cast.js'
import { type Case, casesOf, ROLE_TABLE } from './role-table.js'
import { suiteServer } from './suite-server.js'

const suite = suiteServer()

describe('the role table', () => {
  it('has a row for every operation, and no row for anything else', () => {
    expect(Object.keys(ROLE_TABLE).toSorted()).toEqual(OPERATIONS.map(({ id }) => id).toSorted())
    for (const { id } of OPERATIONS) expect(casesOf(id), id).not.toEqual([])
  })

  it('covers exactly the routes and events that the running server publishes', async () => {
    const published = [...(await publishedRoutes()), ...(await publishedEvents())]
    expect(published.toSorted()).toEqual(BINDINGS.map(({ label }) => label).toSorted())
  })
})

async function publishedRoutes(): Promise<string[]> {
  const { body } = await request(suite().url, 'GET', '/docs/openapi.json')
  return Object.entries(body.paths as Record<string, Json>).flatMap(([path, methods]) => {
    const route = path.replace('/api/v1', '').replaceAll(/\{(\w+)\}/g, ':$1')
    return Object.keys(methods).map((method) => `${method.toUpperCase()} ${route}`)
  })
}

async function publishedEvents(): Promise<string[]> {
  type Published = { readonly action: string; readonly messages: readonly { readonly $ref: string }[] }
  const { body } = await request(suite().url, 'GET', '/docs/asyncapi.json')
  return Object.values(body.operations as Record<string, Published>)
    .filter(({ action }) => action === 'receive')
    .flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split('/').at(-1) ?? ''))
}

/** What the others see of a room; a refused call must leave it as it was. */
async function stateOf({ cast: { bystander }, roomId }: Scene): Promise<Json> {
  const room = await bystander.http('GET', `/rooms/${roomId}`)
  const members = await bystander.http('GET', `/rooms/${roomId}/members`)
  return { room: room.body, members: members.body }
}

/** A room for each who will change it; who is refused leaves it as it was, so all of those share one. */
async function scenesFor({
  needs,
  expected,
}: Case): Promise<{ scenes: Map<Standing, Scene>; close: () => void }> {
  const { url, cast, shared } = suite()
  if (needs === 'shared')
    return { scenes: new Map(STANDINGS.map((who) => [who, shared])), close: () => undefined }
  const people = needs === 'people' ? await signUpCast(url) : cast
  const untouched = makeScene(people)
  const scenes = await Promise.all(
    STANDINGS.map(async (who) => {
      const scene = expected[who] === 'ok' ? makeScene(people) : untouched
      return [who, await scene] as const
    }),
  )
  return { scenes: new Map(scenes), close: () => needs === 'people' && closeCast(people) }
}

async function cell(binding: Binding, testCase: Case, scene: Scene, who: Standing): Promise<Called> {
  const input = await testCase.input(scene, who)
  const before = testCase.needs === 'room' ? await stateOf(scene) : null
  const called = await callBinding(binding, scene.url, who === 'anonymous' ? null : scene.cast[who], input)
  if (called.outcome !== 'ok' && before !== null)
    expect(await stateOf(scene), `the room after the ${who} was refused`).toEqual(before)
  return called
}

describe.each(BINDINGS)('$operation.id ($label)', (binding) => {
  const answerSchema = Compile(binding.operation.output)

  it.each(casesOf(binding.operation.id))(
    'answers each role as the contract says: $when',
    async (testCase) => {
      const { scenes, close } = await scenesFor(testCase)
      try {
        const cells = await Promise.all(
          [...scenes].map(async ([who, scene]) => [who, await cell(binding, testCase, scene, who)] as const),
        )
        expect(Object.fromEntries(cells.map(([who, { outcome }]) => [who, outcome]))).toEqual(
          testCase.expected,
        )
        for (const [who, { outcome, data }] of cells)
          if (outcome === 'ok') expect(answerSchema.Errors(data), `the answer to the ${who}`).toEqual([])
      } finally {
        close()
      }
    },
  )
})
