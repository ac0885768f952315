import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server, type Socket } from 'socket.io'
import { type Socket as Client, io as connect } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useTextWebSockets } from './text-web-socket.js'

/** How often the WebSocket of this connection is written to meanwhile. */
async function countWrites({ conn }: Socket, during: () => Promise<void>): Promise<number> {
  const { socket } = conn.transport as unknown as { readonly socket: { readonly _socket: Duplex } }
  const below = socket._socket
  const spies = [vi.spyOn(below, '_write'), vi.spyOn(below, '_writev')]
  await during()
  return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
}

describe('the writes of a turn', () => {
  let server: Server
  let client: Client | undefined

  beforeEach(() => {
    server = new Server(createServer())
    useTextWebSockets(server)
  })
  afterEach(async () => {
    client?.close()
    await server.close()
  })

  async function openPair(
    ...transports: ('websocket' | 'polling')[]
  ): Promise<{ here: Socket; got: unknown[] }> {
    const http = server.httpServer
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const opened = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const { port } = http.address() as AddressInfo
    const there = connect(`http://127.0.0.1:${port}`, { transports, reconnection: false })
    client = there
    const got: unknown[] = []
    there.onAny((event: string, value: unknown) => got.push([event, value]))
    await new Promise<void>((resolve) => there.once('connect', resolve))
    return { here: await opened, got }
  }

  it('writes what one turn has for a connection at once, in its order', async () => {
    const { here, got } = await openPair('websocket')
    const writes = await countWrites(here, async () => {
      for (let n = 1; n <= 5; n += 1) here.emit('count', n)
      await vi.waitFor(() => expect(got).toHaveLength(5))
    })
    expect(writes).toBe(1)
    expect(got).toEqual([1, 2, 3, 4, 5].map((n) => ['count', n]))
  })

  it('does so on a connection that began with polling, too', async () => {
    const { here, got } = await openPair('polling', 'websocket')
    await vi.waitFor(() => expect(here.conn.transport.name).toBe('websocket'), { timeout: 5_000 })
    const writes = await countWrites(here, async () => {
      for (let n = 1; n <= 5; n += 1) here.emit('count', n)
      await vi.waitFor(() => expect(got).toHaveLength(5))
    })
    expect(writes).toBe(1)
  })

  it('keeps the order over many turns, of large packets too', async () => {
    const { here, got } = await openPair('websocket')
    const large = 'x'.repeat(200_000)
    for (let n = 1; n <= 60; n += 1) {
      here.emit('count', n)
      if (n % 5 === 0) here.emit('large', large)
      if (n % 7 === 0) await sleep(1)
    }
    await vi.waitFor(() => expect(got).toHaveLength(72), { timeout: 5_000 })
    expect(got.filter((each) => (each as [string])[0] === 'count')).toEqual(
      Array.from({ length: 60 }, (_, index) => ['count', index + 1]),
    )
  })

  // Frames tell their length in three ways: up to 125 bytes, up to 65,535, and above.
  const WRAPPING = '42["x",""]'.length
  it.each([
    ['125 bytes', 'x'.repeat(125 - WRAPPING)],
    ['126 bytes', 'x'.repeat(126 - WRAPPING)],
    ['65,535 bytes', 'x'.repeat(65_535 - WRAPPING)],
    ['65,536 bytes', 'x'.repeat(65_536 - WRAPPING)],
    ['63 characters of two bytes', 'é'.repeat(63)],
    ['42 characters of three bytes', '€'.repeat(42)],
    ['16,384 characters of four bytes', '😀'.repeat(16_384)],
  ])('carries packets of %s, for one and for all', async (_, text) => {
    const { here, got } = await openPair('websocket')
    here.emit('x', text)
    server.emit('x', text)
    await vi.waitFor(() => expect(got).toHaveLength(2))
    expect(got).toEqual([
      ['x', text],
      ['x', text],
    ])
  })

  it('writes what was said last before a connection is closed', async () => {
    const { here, got } = await openPair('websocket')
    const closed = new Promise((resolve) => client?.once('disconnect', resolve))
    here.emit('last', 'words')
    here.conn.close()
    await closed
    expect(got).toEqual([['last', 'words']])
  })

  it('takes it for the end of the connection where that was cut before the turn was over', async () => {
    const { here } = await openPair('websocket')
    const ended = new Promise<string>((resolve) => here.once('disconnect', resolve))
    here.emit('never', 'heard')
    here.emit('nor', 'this')
    const { socket } = here.conn.transport as unknown as { readonly socket: { terminate(): void } }
    socket.terminate()
    expect(await ended).toMatch(/^transport (close|error)$/)
    // What goes wrong in the turn's end would end the process.
    await sleep(20)
    expect(server.engine.clientsCount).toBe(0)
  })

  it('keeps what waits for a slow reader in the parts that it shares with others, and in order', async () => {
    const { here, got } = await openPair('websocket')
    const { socket } = here.conn.transport as unknown as { readonly socket: { readonly _socket: Duplex } }
    const written = vi.spyOn(socket._socket, '_writev')
    const large = 'x'.repeat(50_000)
    for (let n = 1; n <= 3; n += 1) server.emit('large', `${n}${large}`)
    await vi.waitFor(() => expect(got).toHaveLength(3), { timeout: 5_000 })
    expect(got).toEqual([1, 2, 3].map((n) => ['large', `${n}${large}`]))
    const [chunks] = written.mock.calls[0] ?? []
    expect(chunks).toHaveLength(3)
  })

  it('leaves long polling as it is', async () => {
    const { here, got } = await openPair('polling')
    for (let n = 1; n <= 3; n += 1) here.emit('count', n)
    await vi.waitFor(() => expect(got).toHaveLength(3), { timeout: 5_000 })
  })
})
