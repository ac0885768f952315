import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ScriptedSocket } from '../../tests/support/scripted-socket.js'
import { createClient, type Observation, type ParleyClient } from './index.js'

const LIFE_S = 900
const USER = { id: 'user-1', email: 'ann@example.org', displayName: 'Ann', createdAt: '' }

let sockets: ScriptedSocket[]
let client: ParleyClient
let observed: Observation[]
let issued: number
/** What `/auth/refresh` answers. */
let refresh: () => { status: number; body: unknown } | Promise<never>
let url: string

const signedIn = () => {
  issued += 1
  return {
    user: USER,
    accessToken: `access-${issued}`,
    refreshToken: `refresh-${issued}`,
    expiresInS: LIFE_S,
  }
}
const last = (): ScriptedSocket => {
  const socket = sockets.at(-1)
  if (socket === undefined) throw new Error('there is no socket')
  return socket
}
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const status = () => client.connection.getSnapshot().status

beforeEach(async () => {
  vi.useFakeTimers()
  sockets = []
  observed = []
  issued = 0
  url = 'http://one.example'
  refresh = () => ({ status: 200, body: signedIn() })
  client = createClient({
    url: () => url,
    socket: (to, options) => {
      const socket = new ScriptedSocket(to, options)
      sockets.push(socket)
      return socket
    },
    fetch: async (to) => {
      const { status, body } = to.endsWith('/auth/refresh')
        ? await refresh()
        : { status: 200, body: signedIn() }
      return { status, text: async () => JSON.stringify(body) }
    },
    environment: { random: () => 0.5 },
    observe: (observation) => observed.push(observation),
  })
  await client.signIn({ email: USER.email, password: 'a long and quiet sentence' })
  await pass(0)
})
afterEach(async () => {
  await client.close()
  expect(vi.getTimerCount()).toBe(0)
  expect(sockets.filter(({ connected, isConnecting }) => connected || isConnecting)).toEqual([])
  vi.useRealTimers()
})

async function connected(): Promise<ScriptedSocket> {
  last().accept()
  await pass(0)
  return last()
}

describe('the connection', () => {
  it('uses the token and the URL of the moment, and leaves no reconnecting to socket.io-client', async () => {
    expect(last()).toMatchObject({ url: 'http://one.example', token: 'access-1' })
    expect(last().options).toMatchObject({ reconnection: false, autoConnect: false, forceNew: true })
    await connected()
    expect(client.connection.getSnapshot()).toMatchObject({ status: 'online', url: 'http://one.example' })
  })

  it('comes back after a while drawn at random, up to a bound that doubles until it is 30 s', async () => {
    await connected()
    const waits: number[] = []
    last().drop()
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const count = sockets.length
      const fromMs = Date.now()
      while (sockets.length === count) await pass(25)
      waits.push(Date.now() - fromMs)
      last().refuse(null)
    }
    // Half of 0.5, 1, 2, 4, 8, 16, 30, 30 and 30 seconds.
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  it('begins with short waits again after a connection that held', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      last().refuse(null)
      await pass(16_000)
    }
    await connected()
    await pass(6_000)
    last().drop()
    const count = sockets.length
    await pass(300)
    expect(sockets).toHaveLength(count + 1)
  })

  it.each([
    ['draining', 4_000],
    ['too-slow', 2_000],
  ] as const)(
    'stays away as long as it is told with session:ended %s, and stays signed in',
    async (reason, ms) => {
      const socket = await connected()
      socket.push('session:ended', { reason, retryAfterMs: ms })
      await pass(ms - 100)
      expect(sockets).toHaveLength(1)
      url = 'http://two.example'
      await pass(ms / 10 + 200)
      expect(last()).toMatchObject({ url: 'http://two.example' })
      expect(client.session.getSnapshot().status).toBe('signed-in')
    },
  )

  it.each(['RATE_LIMITED', 'UNAVAILABLE'])('stays away as long as %s at the door says', async (code) => {
    last().refuse(code, 10_000)
    await pass(9_900)
    expect(sockets).toHaveLength(1)
    await pass(1_200)
    expect(sockets).toHaveLength(2)
  })

  it.each(['signed-out', 'ended', 'password-changed', 'disabled'] as const)(
    'is over, and the user signed out, with session:ended %s',
    async (reason) => {
      const socket = await connected()
      socket.push('session:ended', { reason })
      await pass(60_000)
      expect(client.session.getSnapshot()).toEqual({ status: 'signed-out', user: null, reason })
      expect(status()).toBe('idle')
      expect(sockets).toHaveLength(1)
      expect(await client.resume()).toBeNull()
    },
  )

  it('renews the token when the server says that it ran out', async () => {
    const socket = await connected()
    socket.push('session:ended', { reason: 'expired' })
    await pass(1_000)
    expect(last().token).toBe('access-2')
  })

  it('renews a token that is refused at the door, and is signed out only when that is refused, too', async () => {
    last().refuse('UNAUTHENTICATED')
    await pass(1_000)
    expect(last().token).toBe('access-2')
    refresh = () => ({ status: 401, body: { code: 'UNAUTHENTICATED', detail: 'no' } })
    last().refuse('UNAUTHENTICATED')
    await pass(2_000)
    expect(client.session.getSnapshot()).toMatchObject({ status: 'signed-out', reason: 'ended' })
  })

  it('keeps trying, signed in, while the renewal finds no server', async () => {
    refresh = () => Promise.reject(new TypeError('fetch failed'))
    last().refuse('UNAUTHENTICATED')
    await pass(120_000)
    expect(client.session.getSnapshot().status).toBe('signed-in')
    expect(status()).toBe('waiting')
    refresh = () => ({ status: 200, body: signedIn() })
    await pass(31_000)
    expect(last().token).toBe('access-2')
  })

  it('hands the open socket a new token before the old one runs out', async () => {
    const socket = await connected()
    socket.onEmit = (ack) => ack({ ok: true, data: { expiresInS: LIFE_S } })
    await pass(LIFE_S * 790)
    expect(socket.emitted).toEqual([])
    await pass(LIFE_S * 20)
    expect(socket.emitted).toMatchObject([{ event: 'auth:renew', payload: { token: 'access-2' } }])
    await pass(LIFE_S * 850)
    expect(socket.emitted).toHaveLength(2)
    expect(sockets).toHaveLength(1)
  })

  it('tries that again while it fails, and keeps the socket', async () => {
    const socket = await connected()
    socket.onEmit = (ack) => ack({ ok: true, data: { expiresInS: LIFE_S } })
    refresh = () => Promise.reject(new TypeError('fetch failed'))
    await pass(LIFE_S * 830)
    expect(socket.emitted).toEqual([])
    refresh = () => ({ status: 200, body: signedIn() })
    await pass(40_000)
    expect(socket.emitted).toHaveLength(1)
    expect(socket.connected).toBe(true)
  })

  it('gives up a connection on which an answer is overdue and nothing else has come', async () => {
    const socket = await connected()
    const asked = client.request('typing:set', { roomId: 'r', typing: true }).catch((error: Error) => error)
    await pass(8_100)
    expect(await asked).toMatchObject({ code: 'TIMEOUT', uncertain: true })
    expect(socket.connected).toBe(false)
    await pass(1_000)
    expect(sockets).toHaveLength(2)
  })

  it('keeps one on which something else has come', async () => {
    const socket = await connected()
    const asked = client.request('typing:set', { roomId: 'r', typing: true }).catch((error: Error) => error)
    await pass(5_000)
    socket.push('typing', { roomId: 'r', userId: 'u', typing: true, expiresInMs: 1 })
    await pass(4_000)
    expect(await asked).toMatchObject({ code: 'TIMEOUT' })
    expect(socket.connected).toBe(true)
  })

  it('moves at once when asked to', async () => {
    const socket = await connected()
    url = 'http://two.example/'
    client.reconnect()
    await pass(0)
    expect(socket.connected).toBe(false)
    expect(last().url).toBe('http://two.example')
  })
})

describe('a request', () => {
  it('waits for the connection, and no longer than its deadline', async () => {
    const asked = client.request('message:read', { roomId: 'r', seq: 1 }, { deadlineMs: 3_000 })
    const failed = asked.catch((error: Error) => error)
    await pass(3_100)
    expect(await failed).toMatchObject({ code: 'TIMEOUT', uncertain: false })
  })

  it('is repeated on the next connection where that is safe, and not where it is not', async () => {
    const socket = await connected()
    const read = client.request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
    const edit = client
      .request('message:edit', { messageId: 'm', text: 'new' })
      .catch((error: Error) => error)
    await pass(0)
    socket.drop()
    expect(await edit).toMatchObject({ code: 'DISCONNECTED', uncertain: true })
    await pass(1_000)
    const next = await connected()
    await pass(1_000)
    expect(next.emitted.map(({ event }) => event)).toEqual(['message:read'])
    next.emitted[0]?.ack({ ok: true, data: {} })
    expect(await read).toEqual({})
  })

  it('is sent again after RATE_LIMITED, which has certainly had no effect', async () => {
    const socket = await connected()
    const edit = client.request('message:edit', { messageId: 'm', text: 'new' })
    await pass(0)
    const error = { code: 'RATE_LIMITED', message: 'slower', retryAfterMs: 2_000 }
    socket.emitted[0]?.ack({ ok: false, error })
    await pass(1_900)
    expect(socket.emitted).toHaveLength(1)
    await pass(500)
    socket.emitted[1]?.ack({
      ok: true,
      data: { status: 'delivered', message: { roomId: 'r', seq: 3 }, verdict: null },
    })
    expect(await edit).toMatchObject({ status: 'delivered' })
  })

  it('is not sent where it is too large for any server', async () => {
    const socket = await connected()
    const asked = client.request('message:edit', { messageId: 'm', text: 'x'.repeat(70_000) })
    await expect(asked).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(socket.emitted).toEqual([])
    expect(socket.connected).toBe(true)
  })

  it('ends with the client', async () => {
    await connected()
    const asked = client
      .request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
      .catch((error: Error) => error)
    await pass(0)
    await client.close()
    expect(await asked).toMatchObject({ code: 'CLOSED' })
    await expect(client.request('message:read', { roomId: 'r', seq: 1 })).rejects.toMatchObject({
      code: 'SIGNED_OUT',
    })
  })

  it('of one user does not go on under the next', async () => {
    await connected()
    const asked = client
      .request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
      .catch((error: Error) => error)
    await client.signIn({ email: 'ben@example.org', password: 'another quiet sentence' })
    await pass(0)
    expect(await asked).toMatchObject({ code: 'SIGNED_OUT' })
    await connected()
    expect(last().emitted).toEqual([])
  })
})

describe('the tester', () => {
  it('sees each request with its end, and what is pushed, without secrets', async () => {
    const socket = await connected()
    const asked = client.request('message:read', { roomId: 'r', seq: 1 })
    await pass(0)
    socket.push('receipt', { roomId: 'r', userId: 'u', readSeq: 1 })
    socket.emitted[0]?.ack({ ok: true, data: {} })
    await asked
    expect(observed).toMatchObject([
      { kind: 'request', via: 'http', name: 'POST /auth/sign-in', payload: null },
      { kind: 'answer', via: 'http', name: 'POST /auth/sign-in', outcome: { ok: true, data: null } },
      { kind: 'connection', state: 'open', url: 'http://one.example', socketId: 'socket' },
      { kind: 'request', via: 'socket', name: 'message:read', payload: { roomId: 'r', seq: 1 } },
      { kind: 'push', name: 'receipt', payload: { readSeq: 1 } },
      { kind: 'answer', name: 'message:read', outcome: { ok: true, data: {} } },
    ])
    expect(JSON.stringify(observed)).not.toMatch(/access-|refresh-|quiet sentence/)
  })
  it.each([
    ['the network', 'transport close', (socket: ScriptedSocket) => socket.drop()],
    ['the client', 'reconnect', () => client.reconnect()],
    [
      'the server',
      'draining',
      (socket: ScriptedSocket) => socket.push('session:ended', { reason: 'draining' }),
    ],
  ])('sees once that %s has ended a connection, and which one it was', async (_who, _reason, end) => {
    end(await connected())
    last().drop()
    await pass(0)
    expect(observed.filter((seen) => seen.kind === 'connection' && seen.state === 'closed')).toMatchObject([
      { url: 'http://one.example', socketId: 'socket' },
    ])
  })
})
