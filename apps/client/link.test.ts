import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LIFE_S, pass, ScriptedClient } from '../../tests/support/scripted-client.js'

const status = () => on.client.connection.getSnapshot().status

let on: ScriptedClient

beforeEach(async () => {
  vi.useFakeTimers()
  on = new ScriptedClient()
  await on.signIn()
})
afterEach(async () => {
  await on.client.close()
  expect(vi.getTimerCount()).toBe(0)
  expect(on.sockets.filter(({ connected, isConnecting }) => connected || isConnecting)).toEqual([])
  vi.useRealTimers()
})

describe('the connection', () => {
  it('uses the token and the URL of the moment, and leaves no reconnecting to socket.io-client', async () => {
    expect(on.last).toMatchObject({ url: 'http://one.example', token: 'access-1' })
    expect(on.last.options).toMatchObject({ reconnection: false, autoConnect: false, forceNew: true })
    await on.connected()
    expect(on.client.connection.getSnapshot()).toMatchObject({ status: 'online', url: 'http://one.example' })
  })

  it('comes back after a while drawn at random, up to a bound that doubles until it is 30 s', async () => {
    await on.connected()
    const waits: number[] = []
    on.last.drop()
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const count = on.sockets.length
      const fromMs = Date.now()
      while (on.sockets.length === count) await pass(25)
      waits.push(Date.now() - fromMs)
      on.last.refuse(null)
    }
    // Half of 0.5, 1, 2, 4, 8, 16, 30, 30 and 30 seconds.
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  it('begins with short waits again after a connection that held', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      on.last.refuse(null)
      await pass(16_000)
    }
    await on.connected()
    await pass(6_000)
    on.last.drop()
    const count = on.sockets.length
    await pass(300)
    expect(on.sockets).toHaveLength(count + 1)
  })

  it.each([
    ['draining', 4_000],
    ['too-slow', 2_000],
  ] as const)(
    'stays away as long as it is told with session:ended %s, and stays signed in',
    async (reason, ms) => {
      const socket = await on.connected()
      socket.push('session:ended', { reason, retryAfterMs: ms })
      await pass(ms - 100)
      expect(on.sockets).toHaveLength(1)
      on.url = 'http://two.example'
      await pass(ms / 10 + 200)
      expect(on.last).toMatchObject({ url: 'http://two.example' })
      expect(on.client.session.getSnapshot().status).toBe('signed-in')
    },
  )

  it.each(['RATE_LIMITED', 'UNAVAILABLE'])('stays away as long as %s at the door says', async (code) => {
    on.last.refuse(code, 10_000)
    await pass(9_900)
    expect(on.sockets).toHaveLength(1)
    await pass(1_200)
    expect(on.sockets).toHaveLength(2)
  })

  it.each(['signed-out', 'ended', 'password-changed', 'disabled'] as const)(
    'is over, and the user signed out, with session:ended %s',
    async (reason) => {
      const socket = await on.connected()
      socket.push('session:ended', { reason })
      await pass(60_000)
      expect(on.client.session.getSnapshot()).toEqual({ status: 'signed-out', user: null, reason })
      expect(status()).toBe('idle')
      expect(on.sockets).toHaveLength(1)
      expect(await on.client.resume()).toBeNull()
    },
  )

  it('renews the token when the server says that it ran out', async () => {
    const socket = await on.connected()
    socket.push('session:ended', { reason: 'expired' })
    await pass(1_000)
    expect(on.last.token).toBe('access-2')
  })

  it('renews a token that is refused at the door, and is signed out only when that is refused, too', async () => {
    on.last.refuse('UNAUTHENTICATED')
    await pass(1_000)
    expect(on.last.token).toBe('access-2')
    on.refresh = () => ({ status: 401, body: { code: 'UNAUTHENTICATED', detail: 'no' } })
    on.last.refuse('UNAUTHENTICATED')
    await pass(2_000)
    expect(on.client.session.getSnapshot()).toMatchObject({ status: 'signed-out', reason: 'ended' })
  })

  it('keeps trying, signed in, while the renewal finds no server', async () => {
    on.refresh = () => Promise.reject(new TypeError('fetch failed'))
    on.last.refuse('UNAUTHENTICATED')
    await pass(120_000)
    expect(on.client.session.getSnapshot().status).toBe('signed-in')
    expect(status()).toBe('waiting')
    on.refresh = () => on.signedIn()
    await pass(31_000)
    expect(on.last.token).toBe('access-2')
  })

  it('hands the open socket a new token before the old one runs out', async () => {
    const socket = await on.connected()
    socket.onEmit = (ack) => ack({ ok: true, data: { expiresInS: LIFE_S } })
    await pass(LIFE_S * 790)
    expect(socket.emitted).toEqual([])
    await pass(LIFE_S * 20)
    expect(socket.emitted).toMatchObject([{ event: 'auth:renew', payload: { token: 'access-2' } }])
    await pass(LIFE_S * 850)
    expect(socket.emitted).toHaveLength(2)
    expect(on.sockets).toHaveLength(1)
  })

  it('tries that again while it fails, and keeps the socket', async () => {
    const socket = await on.connected()
    socket.onEmit = (ack) => ack({ ok: true, data: { expiresInS: LIFE_S } })
    on.refresh = () => Promise.reject(new TypeError('fetch failed'))
    await pass(LIFE_S * 830)
    expect(socket.emitted).toEqual([])
    on.refresh = () => on.signedIn()
    await pass(40_000)
    expect(socket.emitted).toHaveLength(1)
    expect(socket.connected).toBe(true)
  })

  it('gives up a connection on which an answer is overdue and nothing else has come', async () => {
    const socket = await on.connected()
    const asked = on.client
      .request('typing:set', { roomId: 'r', typing: true })
      .catch((error: Error) => error)
    await pass(8_100)
    expect(await asked).toMatchObject({ code: 'TIMEOUT', uncertain: true })
    expect(socket.connected).toBe(false)
    await pass(1_000)
    expect(on.sockets).toHaveLength(2)
  })

  it('keeps one on which something else has come', async () => {
    const socket = await on.connected()
    const asked = on.client
      .request('typing:set', { roomId: 'r', typing: true })
      .catch((error: Error) => error)
    await pass(5_000)
    socket.push('typing', { roomId: 'r', userId: 'u', typing: true, expiresInMs: 1 })
    await pass(4_000)
    expect(await asked).toMatchObject({ code: 'TIMEOUT' })
    expect(socket.connected).toBe(true)
  })

  it('moves at once when asked to', async () => {
    const socket = await on.connected()
    on.url = 'http://two.example/'
    on.client.reconnect()
    await pass(0)
    expect(socket.connected).toBe(false)
    expect(on.last.url).toBe('http://two.example')
  })
})
