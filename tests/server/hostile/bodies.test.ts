import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { PASSWORD, request } from '../../support/person.js'
import { overSocket, RawJson } from './calls.js'
import { slowestMeanwhile, timed } from './measures.js'
import { ENGINE, PollingSession } from './polling-session.js'
import { converse, send } from './raw-http.js'
import { RawSocket } from './raw-socket.js'
import { clientId, RoomUnderWatch } from './room-under-watch.js'

const MIB = 1_048_576
/** What someone else may have to wait at most. Finer differences are for benches: others use this machine too. */
const OTHERS_WAIT_MS = 1_000

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

/** Writes head and pieces, one every 20 ms, and reads only then; what it reads first, or why it could not go on. */
function answerToLateReader(to: string, head: string, pieces: number, piece: Buffer): Promise<string> {
  const { hostname, port } = new URL(to)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.pause()
    socket.on('error', (error) => resolve(String(error)))
    socket.once('data', (chunk) => {
      resolve(chunk.toString('latin1'))
      socket.destroy()
    })
    const write = async (): Promise<void> => {
      socket.write(head)
      for (let written = 0; written < pieces; written += 1) {
        await sleep(20)
        socket.write(piece)
      }
      socket.resume()
    }
    socket.once('connect', () => void write())
  })
}

describe('a body over HTTP', () => {
  it('input D1: one byte above the limit is refused, with and without a length told, and one at the limit is read', async () => {
    const { accessToken: token } = room.owner
    const path = `/api/v1/rooms/${room.roomId}/messages`
    const sized = (bytes: number) => {
      const start = `{"clientMessageId":"${clientId()}","text":"`
      return `${start}${'x'.repeat(bytes - start.length - 2)}"}`
    }
    await room.unharmedBy(async () => {
      const statuses = [65_536, 65_537, 1_048_576].map(async (bytes) => {
        const told = await send(url, 'POST', path, { token, body: sized(bytes) })
        const chunked = await send(url, 'POST', path, {
          token,
          body: sized(bytes),
          headers: { 'transfer-encoding': 'chunked' },
        })
        return [bytes, told.status, told.body.code, chunked.status]
      })
      expect(await Promise.all(statuses)).toEqual([
        [65_536, 400, 'VALIDATION_FAILED', 400],
        [65_537, 413, 'TOO_LARGE', 413],
        [1_048_576, 413, 'TOO_LARGE', 413],
      ])
    })
  })

  for (const connection of ['keep-alive', 'close'])
    it(`input D1: above the limit is answered also to one who reads when all of it is written (${connection})`, async () => {
      const head = `POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n`
      expect(await answerToLateReader(url, head, 16, Buffer.alloc(MIB / 16, 'x'))).toMatch(/^HTTP\/1\.1 413 /)
    })

  it('input D17: that is compressed is not unpacked', async () => {
    const { accessToken: token } = room.owner
    const body = gzipSync(JSON.stringify({ name: 'x'.repeat(10 * MIB) }))
    expect(body.length).toBeLessThan(65_536)
    await room.unharmedBy(async () => {
      for (const encoding of ['gzip', 'x-gzip', 'br', 'deflate, gzip']) {
        const headers = { 'content-encoding': encoding }
        const answer = await send(url, 'POST', '/api/v1/rooms', { token, body, headers })
        expect([encoding, answer.status]).toEqual([encoding, 400])
      }
    })
  })
})

describe('a body that is small and yet laborious', () => {
  const nested = (depth: number, inside = '1') => `${'['.repeat(depth)}${inside}${']'.repeat(depth)}`
  const nestedObjects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const keys = (count: number) =>
    `{${Array.from({ length: count }, (_, index) => `"${index.toString(36)}":1`).join(',')}}`

  /** As the whole body, in a field that is known, and in one that is not. */
  const laborious = (): Record<string, string> => {
    const [deep, objects] = [nested(10_000), nestedObjects(10_000)]
    const own = `"roomId":"${room.roomId}","clientMessageId":"${clientId()}"`
    return {
      'an array 10,000 deep': deep,
      'an object 10,000 deep': objects,
      'a text 10,000 deep': `{${own},"text":${deep}}`,
      'an unknown field 10,000 deep': `{${own},"text":"x","more":${objects}}`,
      'a prototype 10,000 deep': `{${own},"text":"x","__proto__":${objects}}`,
      'as many keys as fit': keys(8_000),
      'as many keys as fit in a field': `{${own},"text":${keys(7_900)}}`,
      'as many elements as fit': `[${'0,'.repeat(32_000)}0]`,
    }
  }

  it('input D2 and D3: is refused over HTTP while others are served', async () => {
    const { accessToken: token } = room.owner
    const path = `/api/v1/rooms/${room.roomId}/messages`
    await room.unharmedBy(async () => {
      for (const [kind, body] of Object.entries(laborious())) {
        expect(Buffer.byteLength(body), kind).toBeLessThan(65_536)
        const attack = async () => {
          const answers = await Promise.all(
            Array.from({ length: 10 }, () => send(url, 'POST', path, { token, body })),
          )
          for (const { status, body: problem } of answers)
            expect([kind, status, problem.code]).toEqual([kind, 400, 'VALIDATION_FAILED'])
        }
        const waited = await slowestMeanwhile(attack, () => request(url, 'GET', '/livez'))
        expect(waited, kind).toBeLessThan(OTHERS_WAIT_MS)
      }
    })
  })

  it('input D2 and D3: is refused over a socket while others are served', async () => {
    const raw = await RawSocket.signedIn(url, room.owner.accessToken)
    await room.unharmedBy(async () => {
      for (const [kind, body] of Object.entries(laborious())) {
        if (Buffer.byteLength(body) > 65_400) continue
        const attack = async () => {
          for (let round = 0; round < 10; round += 1)
            expect(await overSocket(raw, 'message:send', new RawJson(body)), kind).toMatchObject({
              code: 'VALIDATION_FAILED',
            })
        }
        const waited = await slowestMeanwhile(attack, () => request(url, 'GET', '/livez'))
        expect(waited, kind).toBeLessThan(OTHERS_WAIT_MS)
      }
    })
    raw.destroy()
  })

  it('input D3: of 100,000 keys is above the limit, and refused before it is parsed', async () => {
    const { accessToken: token } = room.owner
    const body = keys(100_000)
    await room.unharmedBy(async () => {
      const answer = await send(url, 'POST', '/api/v1/rooms', { token, body })
      expect([answer.status, answer.body.code]).toEqual([413, 'TOO_LARGE'])
      const raw = await RawSocket.signedIn(url, token)
      raw.send(`421["message:send",${body}]`)
      await raw.untilClosed()
      expect(raw.closeCode).toBe(1009)
      const session = await PollingSession.open(url, {})
      expect((await session.post(body)).status).toBe(413)
    })
  })

  it('input D9: holds no pattern up, whichever field it is meant for', async () => {
    const { accessToken: token } = room.owner
    const hostile = [
      'a'.repeat(50_000),
      `${'a@'.repeat(25_000)}`,
      `a@${'a.'.repeat(25_000)}`,
      '\u200D'.repeat(16_000),
      `${'é\u200D'.repeat(10_000)}!`,
      `${'👩\u200D'.repeat(7_000)}!`,
      ' '.repeat(50_000),
      `${'0'.repeat(36)}-`.repeat(1_000),
      `${'&|!<->'.repeat(8_000)}`,
      '('.repeat(50_000),
    ]
    await room.unharmedBy(async () => {
      for (const value of hostile) {
        const body = { email: value, password: value, displayName: value }
        const calls = [
          () => send(url, 'POST', '/api/v1/auth/sign-up', { body }),
          () => send(url, 'POST', '/api/v1/auth/sign-in', { body: { email: value, password: value } }),
          () => send(url, 'POST', '/api/v1/rooms', { token, body: { name: value, clientId: value } }),
          () =>
            send(
              url,
              'GET',
              `/api/v1/rooms/${room.roomId}/search?q=${encodeURIComponent(value.slice(0, 200).toWellFormed())}`,
              { token },
            ),
          () =>
            send(
              url,
              'GET',
              `/api/v1/rooms?cursor=${encodeURIComponent(value.slice(0, 1_000).toWellFormed())}`,
              { token },
            ),
          () =>
            send(url, 'GET', '/api/v1/me', { headers: { authorization: `Bearer ${'a'.repeat(9_000)} ` } }),
          () =>
            send(url, 'POST', '/api/v1/rooms', {
              token,
              body: '{}',
              headers: { 'content-type': `application/json;${' '.repeat(9_000)}x` },
            }),
          () => send(url, 'GET', ENGINE, { headers: { cookie: 'parley-link='.repeat(700) } }),
        ]
        for (const attack of calls) {
          const { ms, result } = await timed(attack)
          expect(result.status).toBeLessThan(500)
          expect(ms).toBeLessThan(OTHERS_WAIT_MS)
        }
      }
    })
  })
})

describe('a type of body', () => {
  it('input D11 and F4: other than JSON in UTF-8 is refused, however much it looks like it', async () => {
    const { accessToken: token } = room.owner
    const types = [
      ...[
        'application/json\t;charset=utf-8',
        'application/json \t; charset=utf-8',
        'application/json;\tcharset=utf-8',
      ],
      ...['application/json x', 'application/json,text/plain', 'application/json;', 'application/jsonx'],
      ...['application/json\u00a0', 'application/ json', 'application/json; charset=latin1'],
      ...['application/json; charset=utf-8; x=y', 'application/json; boundary=x', 'text/json'],
      ...['text/plain', 'text/plain; application/json', 'application/x-www-form-urlencoded'],
      ...[
        'multipart/form-data; boundary=x',
        'application/problem+json',
        'application/octet-stream',
        '',
        '*/*',
      ],
    ]
    await room.unharmedBy(async () => {
      for (const type of types) {
        const bytes = JSON.stringify({ name: 'Smuggled' })
        const head = [
          'POST /api/v1/rooms HTTP/1.1',
          'Host: localhost',
          'Connection: close',
          `Authorization: Bearer ${token}`,
          `Content-Type: ${type}`,
          `Content-Length: ${bytes.length}`,
        ]
        const { text } = await converse(url, Buffer.from(`${head.join('\r\n')}\r\n\r\n${bytes}`, 'latin1'))
        expect([type, text.split('\r\n')[0]]).toEqual([type, 'HTTP/1.1 415 Unsupported Media Type'])
      }
    })
    for (const type of [
      'application/json',
      'Application/JSON; charset=UTF-8',
      'application/json;charset="utf-8"',
    ]) {
      const answer = await send(url, 'POST', '/api/v1/rooms', {
        token,
        body: '{"name":"Plain"}',
        headers: { 'content-type': type },
      })
      expect([type, answer.status]).toEqual([type, 201])
    }
  })

  it('input F4: of a form of another site does nothing with the cookie that comes along', async () => {
    const signIn = { email: room.owner.email, password: PASSWORD, transport: 'cookie' }
    const signedIn = await send(url, 'POST', '/api/v1/auth/sign-in', { body: signIn })
    const [cookie = ''] = (signedIn.headers['set-cookie']?.[0] ?? '').split(';')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      for (const path of ['/auth/sign-out', '/auth/refresh', '/rooms', '/auth/password']) {
        const answer = await send(url, 'POST', `/api/v1${path}`, {
          headers: { cookie, origin: 'https://evil.example', 'content-type': type },
          body: '{"x":"="}',
        })
        expect([type, path, answer.status >= 400 && answer.status < 500]).toEqual([type, path, true])
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    const headers = { cookie, origin: new URL(url).origin, 'x-parley': '1' }
    expect((await send(url, 'POST', '/api/v1/auth/refresh', { headers, body: {} })).status).toBe(200)
  })
})
