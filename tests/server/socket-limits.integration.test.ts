import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { PollingSession } from './hostile/polling-session.js'
import { encodeFrame, RawSocket } from './hostile/raw-socket.js'

const ROOMS_PER_SOCKET = 200
const SOCKETS_PER_USER = 20
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

describe('a user', () => {
  const comeIn = (person: Person) =>
    person.connect().then(
      (socket) => ({ socket, code: 'none' }),
      (error: { data?: { code?: string } }) => ({ socket: null, code: error.data?.code ?? String(error) }),
    )

  it('has 20 sockets at most, and who is one too many is told so at the door and never sent away', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const told: unknown[] = []
    const comings = Array.from({ length: 2 * SOCKETS_PER_USER }, () => comeIn(ada))
    for (const socket of ada.sockets) socket.on('session:ended', (end) => told.push(end))
    const answers = await Promise.all(comings)
    const inside = answers.flatMap(({ socket }) => socket ?? [])
    expect(inside).toHaveLength(SOCKETS_PER_USER)
    expect(answers.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(SOCKETS_PER_USER)
    for (const socket of inside) await expectOk(call(socket, 'presence:set', { state: 'online' }))
    expect(told).toEqual([])
    inside[0]?.disconnect()
    await until('a place is free again', async () => (await comeIn(ada)).socket !== null)
    ada.close()
  })

  it('has 20 at most also where all come in one packet', async () => {
    const ada = await Person.signUp(url, 'Ada')
    const raw = await RawSocket.open(url)
    const asking = encodeFrame({ payload: `40${JSON.stringify({ token: ada.accessToken })}` })
    await raw.write(Buffer.concat(Array.from({ length: 2 * SOCKETS_PER_USER }, () => asking)))
    const answers = () => raw.received.filter((text) => /^4[04]/.test(text))
    await until('all are answered', () => answers().length === 2 * SOCKETS_PER_USER)
    expect(answers().filter((text) => text.startsWith('40'))).toHaveLength(SOCKETS_PER_USER)
    expect(answers().filter((text) => text.includes('RATE_LIMITED'))).toHaveLength(SOCKETS_PER_USER)
    expect(raw.received.filter((text) => text.includes('session:ended'))).toEqual([])
    raw.destroy()
  })

  it('keeps no place for sockets that went at the door', async () => {
    const ada = await Person.signUp(url, 'Ada')
    for (let round = 0; round < 3; round += 1) {
      const raws = await Promise.all(Array.from({ length: SOCKETS_PER_USER }, () => RawSocket.open(url)))
      for (const raw of raws) {
        raw.send(`40${JSON.stringify({ token: ada.accessToken })}`)
        raw.reset()
      }
    }
    await until('all places are free', async () => {
      const answers = await Promise.all(Array.from({ length: SOCKETS_PER_USER }, () => comeIn(ada)))
      ada.close()
      return answers.every(({ socket }) => socket !== null)
    })
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
