import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { call, expectOk, Person, until } from '../../support/person.js'
import { metric, slowestMeanwhile } from './measures.js'
import { converse, send } from './raw-http.js'
import { encodeFrame, RawSocket } from './raw-socket.js'
import { clientId, expectAlive, RoomUnderWatch } from './room-under-watch.js'

const MIB = 1_048_576

let target: Instances
let url: string
let room: RoomUnderWatch

beforeAll(async () => {
  target = await startInstances(1)
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
})
afterAll(async () => {
  room?.close()
  await target?.stop()
})

describe('one user', () => {
  it('input G2: gets no more than a few sockets of 200, and loses none of them by asking', async () => {
    const greedy = await Person.signUp(url, 'Greta')
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => greedy.connect()))
    const connected = () => greedy.sockets.filter((socket) => socket.connected)
    const admitted = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(admitted).toBeGreaterThanOrEqual(20)
    // Several may be let in at once, of which those beyond the last place are sent away.
    await until('only those with a place are left', () => connected().length === 20)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ data: { code: 'RATE_LIMITED' } })
    for (const socket of connected())
      expect(await call(socket, 'presence:set', { state: 'online' })).toMatchObject({ ok: true })
    expect((await RoomUnderWatch.open(target)).socket.connected).toBe(true)
    greedy.close()
  })

  it('input G2 and A7: keeps no connection beside by signing in and leaving the namespace', async () => {
    const raw = await RawSocket.signedIn(url, room.owner.accessToken)
    raw.send('41')
    await raw.untilClosed(10_000)
    await expectAlive(target)
  })

  it('input G3: who joins 100,000 rooms that are not theirs is slowed down, and takes nothing', async () => {
    const strict = await startInstances(1, { PARLEY_LIMIT_FACTOR: '1' })
    try {
      const watch = await RoomUnderWatch.open(strict)
      const stranger = await Person.signUp(strict.urls[0] ?? '', 'Joan')
      const raw = await RawSocket.signedIn(strict.urls[0] ?? '', stranger.accessToken)
      const before = await metric(strict.urls[0] ?? '', 'process_resident_memory_bytes')
      const join = (index: number) => {
        const roomId = `01890000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`
        return encodeFrame({ payload: `42${index}["room:join",{"roomId":"${roomId}"}]` })
      }
      for (let index = 0; index < 100_000 && !raw.closed; index += 100) {
        await raw.write(Buffer.concat(Array.from({ length: 100 }, (_, offset) => join(index + offset))))
        // To read what was answered, which is thrown away once the connection is cut.
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      // Beyond the packets that a connection may send it is cut; before that, its events are refused.
      await raw.untilClosed()
      const answers = raw.received.filter((text) => text.startsWith('43'))
      const count = (code: string) => answers.filter((text) => text.includes(code)).length
      expect(count('NOT_FOUND')).toBeLessThan(400)
      expect(count('RATE_LIMITED')).toBeGreaterThan(0)
      expect(count('"ok":true')).toBe(0)
      expect(await metric(strict.urls[0] ?? '', 'parley_rooms_tracked')).toBe(1)
      const grown = (await metric(strict.urls[0] ?? '', 'process_resident_memory_bytes')) - before
      expect(grown / MIB).toBeLessThan(80)
      await watch.sentinel()
      watch.close()
    } finally {
      await strict.stop()
    }
  })

  it('input G1: who floods a room is slowed down while others are served', async () => {
    const strict = await startInstances(1, { PARLEY_LIMIT_FACTOR: '1' })
    try {
      const watch = await RoomUnderWatch.open(strict)
      let stored = 0
      const flood = async () => {
        const acks = await Promise.all(Array.from({ length: 250 }, () => watch.send('flood')))
        stored = acks.filter(({ ok }) => ok).length
        for (const ack of acks)
          if (!ack.ok)
            expect(ack.error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
      }
      const ears = await watch.listener.connect()
      const other = () => expectOk(call(ears, 'room:sync', { roomId: watch.roomId, since: 0, limit: 1 }))
      expect(await slowestMeanwhile(flood, other)).toBeLessThan(3_000)
      expect(stored).toBeGreaterThanOrEqual(30)
      expect(stored).toBeLessThan(60)
      const rows = await strict.sql`select count(*)::int as n from messages where text = 'flood'`
      expect(rows[0]?.n).toBe(stored)
      expect(
        (
          await watch.listener.http('POST', `/rooms/${watch.roomId}/messages`, {
            clientMessageId: clientId(),
            text: 'not me',
          })
        ).status,
      ).toBe(201)
      watch.close()
    } finally {
      await strict.stop()
    }
  })

  it('input G6: who types and reads in a storm is told to the others a few times', async () => {
    const heard: string[] = []
    const ears = await room.listener.connect()
    await expectOk(call(ears, 'room:join', { roomId: room.roomId }))
    ears.onAny((name: string) => heard.push(name))
    const startedMs = performance.now()
    const { headSeq } = (await room.owner.http('GET', `/rooms/${room.roomId}`)).body as { headSeq: number }
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => [
          call(room.socket, 'typing:set', { roomId: room.roomId, typing: index % 2 === 0 }),
          call(room.socket, 'message:read', { roomId: room.roomId, seq: headSeq }),
          call(room.socket, 'presence:set', { state: index % 2 === 0 ? 'away' : 'online' }),
        ]).flat(),
      )
    await room.sentinel()
    const intervals = (performance.now() - startedMs) / 500
    for (const name of ['typing', 'receipt', 'presence'])
      expect([name, heard.filter((event) => event === name).length <= intervals + 2]).toEqual([name, true])
    expect(heard).toContain('typing')
    ears.disconnect()
  })
})

describe.concurrent('a client that does not keep up', () => {
  it('input G4: and never reads is cut at the cap, and the memory it took comes back', async () => {
    const reader = await Person.signUp(url, 'Rita')
    await room.owner.invite(room.roomId, reader)
    const raw = await RawSocket.signedIn(url, reader.accessToken)
    await raw.call(1, ['room:join', { roomId: room.roomId }])
    const cut = await metric(url, 'parley_slow_readers_total')
    const before = await metric(url, 'process_resident_memory_bytes')
    raw.stopReading()
    const text = 'x'.repeat(7_900)
    const startedMs = performance.now()
    while ((await metric(url, 'parley_slow_readers_total')) === cut && performance.now() - startedMs < 30_000)
      for (const sent of await Promise.all(Array.from({ length: 40 }, () => room.send(text))))
        expect(sent.ok).toBe(true)
    expect(await metric(url, 'parley_slow_readers_total')).toBe(cut + 1)
    const grown = (await metric(url, 'process_resident_memory_bytes')) - before
    expect(grown / MIB).toBeLessThan(200)
    await room.sentinel()
    raw.destroy()
  })

  it('input G5: and sends its head or its body byte by byte is timed out', async () => {
    const { hostname, port } = new URL(url)
    const drip = (start: string, piece: string) =>
      new Promise<number>((resolve) => {
        const startedMs = performance.now()
        const socket = connect(Number(port), hostname, () => socket.write(start))
        const timer = setInterval(() => socket.writable && socket.write(piece), 500)
        socket.on('error', () => undefined)
        socket.on('data', () => undefined)
        socket.on('close', () => {
          clearInterval(timer)
          resolve(performance.now() - startedMs)
        })
      })
    const slow = await Promise.all([
      drip('GET / HTTP/1.1\r\nHost: localhost\r\n', 'X'),
      drip(
        `POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n`,
        ' ',
      ),
      drip('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n', 'X'),
      converse(url, '', 30_000).then(({ openMs }) => openMs),
    ])
    for (const openMs of slow) expect(openMs).toBeLessThan(25_000)
    expect((await send(url, 'GET', '/livez')).status).toBe(200)
  })
})
