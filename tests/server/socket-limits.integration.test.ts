import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { PollingSession } from './hostile/polling-session.js'
import { RawSocket } from './hostile/raw-socket.js'

const ROOMS_PER_SOCKET = 200
/** As many as one socket may have under way, less one. */
const AT_ONCE = 255

let instances: Instances
let url: string
beforeAll(async () => {
  instances = await startInstances(1)
  url = instances.urls[0] ?? ''
})
afterAll(() => instances?.stop())

describe('a socket', () => {
  it('is in 200 rooms at most, though it joins 255 at once', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const roomIds: string[] = []
    while (roomIds.length < AT_ONCE)
      roomIds.push(...(await Promise.all(Array.from({ length: 15 }, () => ada.createRoom()))))
    const socket = await ada.connect()
    const join = (roomId: string) => call(socket, 'room:join', { roomId })
    const answers = await Promise.all(roomIds.map(join))
    const joined = roomIds.filter((_, index) => answers[index]?.ok)
    const refusals = answers.flatMap((answer) => (answer.ok ? [] : [answer.error.code]))
    expect(joined).toHaveLength(ROOMS_PER_SOCKET)
    expect(new Set(refusals)).toEqual(new Set(['CONFLICT']))

    const [held = ''] = joined
    const left = roomIds.filter((roomId) => !joined.includes(roomId))
    const [first = '', second = ''] = left
    // One that it is in already takes no further place, and one that it leaves gives one back.
    await expectOk(join(held))
    await expectOk(call(socket, 'room:leave', { roomId: held }))
    await expectOk(join(first))
    expect(await join(second)).toMatchObject({ ok: false, error: { code: 'CONFLICT' } })
    ada.close()
  })

  it('gets the places back of joins that were refused', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const roomId = await ada.createRoom()
    const socket = await ada.connect()
    const strange = Array.from({ length: AT_ONCE }, () => call(socket, 'room:join', { roomId: randomUUID() }))
    const codes = (await Promise.all(strange)).map((answer) => answer.ok || answer.error.code)
    expect(codes.filter((code) => code === 'NOT_FOUND').length).toBeGreaterThanOrEqual(ROOMS_PER_SOCKET)
    await expectOk(call(socket, 'room:join', { roomId }))
    ada.close()
  })
})

describe('a client that leaves the namespace', () => {
  it('loses its connection too, over WebSocket', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const raw = await RawSocket.signedIn(url, ada.accessToken)
    raw.send('41')
    await raw.untilClosed()
  })

  it('loses its connection too, over long polling', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const session = await PollingSession.open(url, { 'user-agent': 'poller' })
    await session.post(`40${JSON.stringify({ token: ada.accessToken })}`)
    expect((await session.poll()).text).toContain('40{"sid"')
    await session.post('41')
    await until('its session is unknown', async () => (await session.poll()).status === 400)
  })
})
