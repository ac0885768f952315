import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pass, ScriptedClient } from '../../tests/support/scripted-client.js'
import type { ScriptedSocket } from '../../tests/support/scripted-socket.js'

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

describe('a request', () => {
  it('waits for the connection, and no longer than its deadline', async () => {
    const asked = on.client.request('message:read', { roomId: 'r', seq: 1 }, { deadlineMs: 3_000 })
    const failed = asked.catch((error: Error) => error)
    await pass(3_100)
    expect(await failed).toMatchObject({ code: 'TIMEOUT', uncertain: false })
  })

  it('is repeated on the next connection where that is safe, and not where it is not', async () => {
    const socket = await on.connected()
    const read = on.client.request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
    const edit = on.client
      .request('message:edit', { messageId: 'm', text: 'new' })
      .catch((error: Error) => error)
    await pass(0)
    socket.drop()
    expect(await edit).toMatchObject({ code: 'DISCONNECTED', uncertain: true })
    await pass(1_000)
    const next = await on.connected()
    await pass(1_000)
    expect(next.emitted.map(({ event }) => event)).toEqual(['message:read'])
    next.emitted[0]?.ack({ ok: true, data: {} })
    expect(await read).toEqual({})
  })

  it('is sent again after RATE_LIMITED, which has certainly had no effect', async () => {
    const socket = await on.connected()
    const edit = on.client.request('message:edit', { messageId: 'm', text: 'new' })
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
    const socket = await on.connected()
    const asked = on.client.request('message:edit', { messageId: 'm', text: 'x'.repeat(70_000) })
    await expect(asked).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(socket.emitted).toEqual([])
    expect(socket.connected).toBe(true)
  })

  it('that reads a room asks for no less than what was seen of it', async () => {
    const socket = await on.connected()
    const seen = { roomId: 'r', role: 'member', readSeq: 0, unread: 7 }
    socket.push('room:changed', { ...seen, headSeq: 7 })
    const read = (): Promise<unknown> =>
      Promise.all([
        on.client.request('message:list', { roomId: 'r' }),
        on.client.request('message:search', { roomId: 'r', q: 'word' }),
        on.client.request('room:sync', { roomId: 'r', since: 2 }),
        on.client.request('message:list', { roomId: 'r', minSeq: 3 }),
        on.client.request('message:list', { roomId: 'other' }),
      ])
    const asked = (): unknown[] =>
      socket.emitted.splice(0).map(({ payload, ack }) => {
        ack({ ok: true, data: { messages: [], events: [], headSeq: 9 } })
        return (payload as { minSeq: number }).minSeq
      })
    const first = read()
    await pass(0)
    expect(asked()).toEqual([7, 7, 7, 3, 0])
    await first
    const around = on.client.request('message:around', { messageId: 'm' })
    await pass(0)
    socket.emitted.splice(0)[0]?.ack({ ok: true, data: { messages: [{ roomId: 'r' }], headSeq: 12 } })
    await around
    const second = read()
    await pass(0)
    expect(asked()).toEqual([12, 12, 12, 3, 9])
    await second
  })

  it('ends with the client', async () => {
    await on.connected()
    const asked = on.client
      .request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
      .catch((error: Error) => error)
    await pass(0)
    await on.client.close()
    expect(await asked).toMatchObject({ code: 'CLOSED' })
    await expect(on.client.request('message:read', { roomId: 'r', seq: 1 })).rejects.toMatchObject({
      code: 'SIGNED_OUT',
    })
  })

  it('of one user does not go on under the next', async () => {
    await on.connected()
    const asked = on.client
      .request('message:read', { roomId: 'r', seq: 1 }, { repeat: true })
      .catch((error: Error) => error)
    await on.client.signIn({ email: 'ben@example.org', password: 'another quiet sentence' })
    await pass(0)
    expect(await asked).toMatchObject({ code: 'SIGNED_OUT' })
    await on.connected()
    expect(on.last.emitted).toEqual([])
  })
})

describe('a push', () => {
  it.each([undefined, null, 'roomId', 7])(
    'of an unknown name, with the payload %s, does no harm',
    async (payload) => {
      const failed = vi.fn()
      process.on('uncaughtException', failed)
      try {
        const socket = await on.connected()
        socket.push('room:painted', payload)
        await pass(1_000)
        expect(failed).not.toHaveBeenCalled()
        expect(socket.connected).toBe(true)
      } finally {
        process.off('uncaughtException', failed)
      }
    },
  )
})

describe('the tester', () => {
  it('sees each request with its end, and what is pushed, without secrets', async () => {
    const socket = await on.connected()
    const asked = on.client.request('message:read', { roomId: 'r', seq: 1 })
    await pass(0)
    socket.push('receipt', { roomId: 'r', userId: 'u', readSeq: 1 })
    socket.emitted[0]?.ack({ ok: true, data: {} })
    await asked
    expect(on.observed).toMatchObject([
      { kind: 'request', via: 'http', name: 'POST /auth/sign-in', payload: null },
      { kind: 'answer', via: 'http', name: 'POST /auth/sign-in', outcome: { ok: true, data: null } },
      { kind: 'connection', state: 'open', url: 'http://one.example', socketId: 'socket' },
      { kind: 'request', via: 'socket', name: 'message:read', payload: { roomId: 'r', seq: 1 } },
      { kind: 'push', name: 'receipt', payload: { readSeq: 1 } },
      { kind: 'answer', name: 'message:read', outcome: { ok: true, data: {} } },
    ])
    expect(JSON.stringify(on.observed)).not.toMatch(/access-|refresh-|quiet sentence/)
  })
  it.each([
    ['the network', 'transport close', (socket: ScriptedSocket) => socket.drop()],
    ['the client', 'reconnect', () => on.client.reconnect()],
    [
      'the server',
      'draining',
      (socket: ScriptedSocket) => socket.push('session:ended', { reason: 'draining' }),
    ],
  ])('sees once that %s has ended a connection, and which one it was', async (_who, _reason, end) => {
    end(await on.connected())
    on.last.drop()
    await pass(0)
    expect(on.observed.filter((seen) => seen.kind === 'connection' && seen.state === 'closed')).toMatchObject(
      [{ url: 'http://one.example', socketId: 'socket' }],
    )
  })
})
