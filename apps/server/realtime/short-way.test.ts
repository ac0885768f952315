import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { type Socket as Client, io as connect } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RawSocket } from '../../../tests/server/hostile/raw-socket.js'
import { boundClosing } from './closing.js'
import { jsonOnlyParser } from './json-parser.js'
import { CLOSING_MS } from './limits.js'
import { takeDirectly, tellHere } from './short-way.js'
import { useTextWebSockets } from './text-web-socket.js'
import type { RealtimeServer, RealtimeSocket } from './wire.js'

const ROOM = 'room:one'
const events = (seq: number) => ({ roomId: String(seq), events: [] })
/** As large as that. */
const eventsOf = (bytes: number) => ({ roomId: 'x'.repeat(bytes), events: [] })

const waitingFor = ({ conn }: RealtimeSocket) =>
  conn.transport as unknown as { readonly waitingBytes: number; readonly frames: readonly Buffer[] }

describe('the short way', () => {
  let server: RealtimeServer
  let url: string
  const clients: Client[] = []
  /** What came by it, and what by the way of all others. */
  let short: unknown[]
  let long: unknown[]

  beforeEach(async () => {
    short = []
    long = []
    server = new Server(createServer(), { parser: jsonOnlyParser(1) })
    boundClosing(server, server.httpServer as HttpServer)
    useTextWebSockets(server)
    server.on('connection', (socket) => {
      void socket.join(ROOM)
      socket.use(([event, ...args]) => {
        long.push(event)
        answer(args)
      })
      takeDirectly(socket, {
        takes: (event) => event !== 'other',
        take(event, args) {
          short.push(event)
          answer(args)
        },
      })
    })
    await new Promise<void>((resolve) => server.httpServer.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await server.close()
  })

  function answer(args: readonly unknown[]): void {
    const ack = args.at(-1)
    if (typeof ack === 'function') ack({ got: args[0] })
  }

  async function open(...transports: ('websocket' | 'polling')[]) {
    const arrival = new Promise<RealtimeSocket>((resolve) => server.once('connection', resolve))
    const there = connect(url, { transports, reconnection: false })
    clients.push(there)
    const got: unknown[] = []
    there.onAny((event: string, value: unknown) => got.push([event, value]))
    await new Promise<void>((resolve) => there.once('connect', resolve))
    return { there, here: await arrival, got }
  }

  it('brings events and their answers', async () => {
    const { there } = await open('websocket')
    expect(await there.emitWithAck('asked', { text: 'ü😀' })).toEqual({ got: { text: 'ü😀' } })
    there.emit('told', 1)
    await vi.waitFor(() => expect(short).toEqual(['asked', 'told']))
    expect(long).toEqual([])
  })

  it('leaves what is not taken to Socket.io', async () => {
    const { there } = await open('websocket')
    expect(await there.emitWithAck('other', 2)).toEqual({ got: 2 })
    expect([short, long]).toEqual([[], ['other']])
  })

  it('is not there for long polling, and is once that has become a WebSocket', async () => {
    const polling = await open('polling')
    expect(await polling.there.emitWithAck('asked', 3)).toEqual({ got: 3 })
    expect([short, long]).toEqual([[], ['asked']])
    const upgraded = await open('polling', 'websocket')
    await vi.waitFor(() => expect(upgraded.here.conn.transport.name).toBe('websocket'), { timeout: 5_000 })
    expect(await upgraded.there.emitWithAck('asked', 4)).toEqual({ got: 4 })
    expect(short).toEqual(['asked'])
  })

  it('ends with its socket', async () => {
    const { there, here } = await open('websocket')
    here.disconnect()
    there.io.engine.write('2["asked",5]')
    await vi.waitFor(() => expect(there.connected).toBe(false))
    // By now it would have come.
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(short).toEqual([])
  })

  it('goes to the socket that came in last, where a client asks for several over one connection', async () => {
    const raw = await RawSocket.open(url)
    // Socket.io takes a second one only while the first is at the door.
    server.use((_socket, next) => void setTimeout(next, 50))
    raw.send('40{}')
    raw.send('40{}')
    await vi.waitFor(() => expect(raw.received.filter((text) => text.startsWith('40'))).toHaveLength(2))
    raw.send('427["asked",6]')
    await raw.next((text) => text.startsWith('437'))
    expect(short).toEqual(['asked'])
    raw.destroy()
  })

  it('closes the connection of a flood, as Socket.io does', async () => {
    const raw = await RawSocket.open(url)
    await raw.connect({})
    for (let n = 0; n < 10_000; n += 1) raw.send('42["asked"]')
    await raw.untilClosed()
    expect(short.length).toBeLessThan(5_000)
  })

  it('counts a packet once, also where it is not taken', async () => {
    const { there } = await open('websocket')
    const asked = Array.from({ length: 2_000 }, (_, n) => there.timeout(5_000).emitWithAck('other', n))
    expect(await Promise.all(asked)).toHaveLength(2_000)
  })

  it('counts as a sign of life while a pong is awaited', async () => {
    server.engine.opts.pingInterval = 100
    server.engine.opts.pingTimeout = 1_000
    const raw = await RawSocket.open(url)
    raw.answersPings = false
    await raw.connect({})
    await raw.next((text) => text === '2')
    await new Promise((resolve) => setTimeout(resolve, 700))
    raw.send('421["asked",7]')
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect([raw.closeCode, short]).toEqual([null, ['asked']])
    await raw.untilClosed()
  })

  it('tells all who are in a room, over whatever transport', async () => {
    const [one, two, three] = [await open('websocket'), await open('polling'), await open('websocket')]
    await three.here.leave(ROOM)
    tellHere(server, ROOM, 'room:events', events(1))
    await vi.waitFor(() =>
      expect([one.got, two.got]).toEqual([[['room:events', events(1)]], [['room:events', events(1)]]]),
    )
    expect(three.got).toEqual([])
  })

  it('keeps the order with what goes the long way', async () => {
    const { here, got } = await open('websocket')
    const tell = (seq: number) => tellHere(server, ROOM, 'room:events', events(seq))
    const emit = (seq: number) => here.emit('room:events', events(seq))
    for (let seq = 0; seq < 60; seq += 3) {
      tell(seq)
      emit(seq + 1)
      tell(seq + 2)
      if (seq % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(got).toHaveLength(60))
    expect(got).toEqual(Array.from({ length: 60 }, (_, seq) => ['room:events', events(seq)]))
  })

  it('keeps the order while long polling becomes a WebSocket', async () => {
    const { here, got } = await open('polling', 'websocket')
    let told = 0
    while (here.conn.transport.name !== 'websocket' || told < 100) {
      tellHere(server, ROOM, 'room:events', events(told))
      here.emit('room:events', events(told + 1))
      told += 2
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    for (let more = 0; more < 20; more += 1) tellHere(server, ROOM, 'room:events', events(told + more))
    await vi.waitFor(() => expect(got).toHaveLength(told + 20), { timeout: 5_000 })
    expect(got).toEqual(Array.from({ length: told + 20 }, (_, seq) => ['room:events', events(seq)]))
  })

  describe('to a reader that is slow', () => {
    /** More than the network takes by itself. */
    const large = { roomId: 'x'.repeat(16_000_000), events: [] }

    async function openSlow() {
      const arrival = new Promise<RealtimeSocket>((resolve) => server.once('connection', resolve))
      const raw = await RawSocket.open(url)
      await raw.connect({})
      const here = await arrival
      raw.stopReading()
      tellHere(server, ROOM, 'room:events', large)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { raw, here }
    }

    it('has the time of a closing client begin only when all was taken', async () => {
      const { raw, here } = await openSlow()
      tellHere(server, ROOM, 'room:events', events(1))
      here.conn.close()
      await new Promise((resolve) => setTimeout(resolve, 2 * CLOSING_MS))
      raw.readOn()
      await raw.next((text) => text.includes('"roomId":"1"'))
      await raw.untilClosed()
    })

    it('keeps no more than the bytes that wait, and counts them', async () => {
      const { raw, here } = await openSlow()
      for (let seq = 0; seq < 100; seq += 1) tellHere(server, ROOM, 'room:events', events(seq))
      for (let seq = 0; seq < 100; seq += 1) tellHere(server, ROOM, 'room:events', eventsOf(300))
      const { waitingBytes, frames } = waitingFor(here)
      const kept = frames.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
      expect([frames.length, kept]).toEqual([200, waitingBytes])
      raw.destroy()
    })

    it('keeps what is large once, however many wait for it', async () => {
      const [one, other] = [await openSlow(), await openSlow()]
      tellHere(server, ROOM, 'room:events', eventsOf(8_000))
      const [mine, theirs] = [waitingFor(one.here).frames.at(-1), waitingFor(other.here).frames.at(-1)]
      expect(mine?.length).toBeGreaterThan(8_000)
      expect(mine === theirs).toBe(true)
      for (const { raw } of [one, other]) raw.destroy()
    })
  })

  it('writes what was told last before a connection is closed', async () => {
    const { there, here, got } = await open('websocket')
    const closed = new Promise((resolve) => there.once('disconnect', resolve))
    tellHere(server, ROOM, 'room:events', events(9))
    here.conn.close()
    await closed
    expect(got).toEqual([['room:events', events(9)]])
  })
})
