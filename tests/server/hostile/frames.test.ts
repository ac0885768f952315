import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { until } from '../../support/person.js'
import { metric } from './measures.js'
import { ENGINE, PollingSession } from './polling-session.js'
import { pipeline } from './raw-http.js'
import { encodeFrame, type Frame, RawSocket } from './raw-socket.js'
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

const signedIn = () => RawSocket.signedIn(url, room.owner.accessToken)
const event = (...args: unknown[]) => `42${JSON.stringify(args)}`
const message = (text: unknown = 'smuggled') => ({
  roomId: room.roomId,
  clientMessageId: clientId(),
  text,
})
/** Anything that needs an answer: whoever gets it is still connected and heard. */
const isHeard = async (raw: RawSocket, id: number) =>
  expect(await raw.call(id, ['room:sync', { roomId: room.roomId, since: 0 }])).toMatchObject({ ok: true })

describe('a request for an upgrade', () => {
  it('input A12: with 2,500 headers leaves the process alive', async () => {
    const many = 'a:b\r\n'.repeat(2_500)
    const long = `a:${'b'.repeat(60)}\r\n`.repeat(2_500)
    for (const opening of [{ before: many }, { after: many }, { before: long }, { after: long }]) {
      const raw = await RawSocket.open(url, opening)
      expect([101, 400, 431]).toContain(raw.status)
      raw.destroy()
      await expectAlive(target)
    }
  })

  it('input A12: that is reset by its sender at any moment leaves the process alive', async () => {
    const openings = [
      {},
      { path: '/elsewhere' },
      { query: 'EIO=4&transport=polling' },
      { query: 'EIO=3&transport=websocket' },
    ]
    for (const opening of openings) {
      const raws = Array.from({ length: 10 }, () => RawSocket.ask(url, opening))
      await Promise.all(
        raws.map(async (raw, index) => {
          await raw.write(randomBytes(index * 1_000))
          raw.reset()
        }),
      )
    }
    await expectAlive(target)
  })
})

describe('a bad frame', () => {
  const bad: Record<string, { readonly frame: Frame; readonly code: number }> = {
    'RSV1 set': { frame: { payload: '2probe', rsv: 4 }, code: 1002 },
    'RSV2 set': { frame: { payload: '2probe', rsv: 2 }, code: 1002 },
    'RSV3 set': { frame: { payload: '2probe', rsv: 1 }, code: 1002 },
    unmasked: { frame: { payload: '2probe', masked: false }, code: 1002 },
    'a reserved opcode': { frame: { payload: 'x', opcode: 3 }, code: 1002 },
    'a continuation of nothing': { frame: { payload: 'x', opcode: 0 }, code: 1002 },
    'a ping in parts': { frame: { payload: 'x', opcode: 9, fin: false }, code: 1002 },
    'a ping of 126 bytes': { frame: { payload: 'x'.repeat(126), opcode: 9 }, code: 1002 },
    'a close code that is none': { frame: { payload: Buffer.from([0x03, 0xec]), opcode: 8 }, code: 1002 },
    'text that is no UTF-8': { frame: { payload: Buffer.from([0xc3, 0x28]) }, code: 1007 },
    'half a surrogate pair in UTF-8': { frame: { payload: Buffer.from([0xed, 0xa0, 0x80]) }, code: 1007 },
    'input D1: one byte above the limit': { frame: { payload: '4'.repeat(65_537) }, code: 1009 },
  }

  it('input A13 and D1: closes the socket that sent it, and no other', async () => {
    await room.unharmedBy(async () => {
      const other = await signedIn()
      const closed = Object.entries(bad).map(async ([name, { frame, code }]) => {
        const raw = await signedIn()
        raw.frame(frame)
        // Never seen: what follows a bad frame is not read.
        raw.send(event('message:send', message()))
        await raw.untilClosed()
        return [name, raw.closeCode, code] as const
      })
      for (const [name, seen, code] of await Promise.all(closed)) expect([name, seen]).toEqual([name, code])
      await isHeard(other, 1)
      other.destroy()
    })
  })

  it('input A13: that announces more than there can be closes the socket', async () => {
    await room.unharmedBy(async () => {
      const raw = await signedIn()
      const endless = Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])
      await raw.write(endless)
      await raw.untilClosed()
      expect(raw.closeCode).toBe(1009)
    })
  })

  it('input A14: in 100,000 fragments of one byte, or of none, closes the socket and keeps no memory', async () => {
    const flood = async (payload: string) => {
      const raw = await signedIn()
      const first = encodeFrame({ payload: `42["message:send",{"text":"`, fin: false })
      const fragment = encodeFrame({ payload, opcode: 0, fin: false })
      await raw.write(Buffer.concat([first, ...Array.from({ length: 100_000 }, () => fragment)]))
      await raw.untilClosed()
      expect([1008, 1009]).toContain(raw.closeCode)
    }
    await flood('a')
    const before = await metric(url, 'process_resident_memory_bytes')
    await room.unharmedBy(async () => {
      for (const payload of ['a', '', 'a']) await flood(payload)
    })
    const grown = (await metric(url, 'process_resident_memory_bytes')) - before
    expect(grown / MIB).toBeLessThan(50)
  })

  it('input D17: is not asked for compressed, so no bomb can be unpacked', async () => {
    const raw = await RawSocket.open(url, {
      headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' },
    })
    expect(raw.status).toBe(101)
    expect(raw.head.toLowerCase()).not.toContain('sec-websocket-extensions')
    raw.destroy()
  })
})

describe('long polling', () => {
  it('input A15: answers 10,000 binary posts with 4xx and keeps no file open for them', async () => {
    const before = await metric(url, 'process_open_fds')
    const session = await PollingSession.open(url, {})
    const first = await session.post('x', { 'content-type': 'application/octet-stream' })
    expect(first.status).toBe(400)
    const post = [
      `POST ${ENGINE}&sid=${session.sid} HTTP/1.1`,
      'Host: localhost',
      'Content-Type: application/octet-stream',
      'Content-Length: 4',
      '\r\nbomb',
    ].join('\r\n')
    const counts = await Promise.all(Array.from({ length: 50 }, () => pipeline(url, post, 200)))
    expect(counts.reduce((sum, count) => sum + (count[400] ?? 0), 0)).toBe(10_000)
    await until('the files are closed', async () => (await metric(url, 'process_open_fds')) <= before + 5)
    await expectAlive(target)
  })

  it('input D1: refuses a body of one byte above the limit', async () => {
    await room.unharmedBy(async () => {
      const session = await PollingSession.open(url, {})
      expect((await session.post('4'.repeat(65_537))).status).toBe(413)
    })
  })

  it('input D6: refuses packets that announce or carry binary data', async () => {
    await room.unharmedBy(async () => {
      for (const packet of ['bAAAA', `451-["message:send",{"_placeholder":true,"num":0}]\x1ebAAAA`]) {
        const session = await PollingSession.open(url, {})
        await session.post(`40${JSON.stringify({ token: room.owner.accessToken })}`)
        expect((await session.poll()).text).toContain('40{"sid"')
        await session.post(packet)
        await until('the session is over', async () => (await session.poll()).text.match(/40|42/) === null)
        expect((await session.post(event('message:send', message()))).status).toBe(400)
      }
    })
  })
})

describe('a packet', () => {
  it('input D5: whose event is an object, a number or a reserved name is passed over', async () => {
    const names: unknown[] = [
      ...[
        'error',
        'connect',
        'connect_error',
        'disconnect',
        'disconnecting',
        'newListener',
        'removeListener',
      ],
      ...['__proto__', 'constructor', 'hasOwnProperty', 'toString', '', 'message:SEND', 'x'.repeat(60_000)],
      ...[0, 7, -1, 1e308, null, true, {}, [], ['message:send'], { toString: 'message:send' }],
    ]
    const others = [
      '42[]',
      '42{}',
      '42"message:send"',
      '42null',
      '42',
      '42[',
      '42nope',
      '421',
      '41x',
      '43[]',
      '435{}',
    ]
    const raw = await signedIn()
    await room.unharmedBy(async () => {
      for (const name of names) raw.send(event(name, message()))
      for (const packet of others) raw.send(packet)
      await isHeard(raw, 1)
      // With an ack, an unknown name is told to be one.
      for (const name of ['__proto__', 'constructor', 'message:SEND'])
        expect(await raw.call(2, [name, message()])).toMatchObject({ error: { code: 'VALIDATION_FAILED' } })
    })
    raw.destroy()
  })

  it('input D6: with binary data, or that announces it, ends the connection', async () => {
    const announcing = [
      `451-["message:send",{"roomId":"${room.roomId}","clientMessageId":"b","text":{"_placeholder":true,"num":0}}]`,
      '450-["message:send"]',
      '4599999999-["message:send"]',
      '461-7[{"_placeholder":true,"num":0}]',
      '45["message:send"]',
      '5binary',
      'bAAAA',
    ]
    await room.unharmedBy(async () => {
      const closed = announcing.map(async (packet) => {
        const raw = await signedIn()
        raw.send(packet)
        raw.frame({ payload: randomBytes(8), opcode: 2 })
        await raw.untilClosed()
        expect(raw.received.filter((text) => text.startsWith('43'))).toEqual([])
      })
      await Promise.all(closed)
    })
  })

  it('input D6: with a forged placeholder is refused by the schema, wherever the placeholder stands', async () => {
    const raw = await signedIn()
    const forged = { _placeholder: true, num: 0 }
    await room.unharmedBy(async () => {
      const payloads = [
        forged,
        [forged],
        message(forged),
        { ...message(), ...forged },
        { ...message(), text: [forged] },
      ]
      for (const [index, payload] of payloads.entries())
        expect(await raw.call(index + 1, ['message:send', payload])).toMatchObject({
          ok: false,
          error: { code: 'VALIDATION_FAILED' },
        })
    })
    raw.destroy()
  })

  it('input D7: without an ack, with one that is no function, or with one that answers nothing asked changes nothing', async () => {
    const raw = await signedIn()
    await room.unharmedBy(async () => {
      raw.send(event('message:send', message(), 'an ack'))
      raw.send(event('message:send', message(), null))
      raw.send(event('message:send', message(), { call: 'me' }))
      raw.send(event('message:send'))
      raw.send(event('message:send', 5))
      for (let id = 0; id < 1_000; id += 1) raw.send(`43${id}[{"ok":true}]`)
      raw.send(`42${'9'.repeat(400)}["message:send",{}]`)
      await isHeard(raw, 1)
    })
    raw.destroy()
  })

  it('input D7: that asks for no ack is answered by nobody, and stored like any other', async () => {
    const raw = await signedIn()
    const text = `without an ack ${clientId()}`
    raw.send(event('message:send', message(text)))
    await until('it is stored', async () => {
      const rows = await target.sql`select 1 from messages where text = ${text}`
      return rows.length === 1
    })
    await isHeard(raw, 7)
    expect(raw.received.filter((packet) => packet.startsWith('43'))).toHaveLength(1)
    raw.destroy()
  })

  it('input D7: never asks the client for an ack, so none is waited for', async () => {
    const raw = await signedIn()
    await raw.call(1, ['room:join', { roomId: room.roomId }])
    const text = await room.sentinel()
    await raw.next((packet) => packet.includes(text))
    const events = raw.received.filter((packet) => packet.startsWith('42'))
    expect(events.length).toBeGreaterThan(0)
    for (const packet of events) expect(packet).toMatch(/^42\["/)
    raw.destroy()
  })
})
