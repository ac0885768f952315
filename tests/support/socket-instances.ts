import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { type Socket as Client, io as connect } from 'socket.io-client'
import { afterEach, expect, vi } from 'vitest'
import { BusAdapter } from '../../apps/server/realtime/bus-adapter.js'
import { Standstill } from '../../apps/server/realtime/standstill.js'
import type { BusPort } from '../../core/ports/bus-port.js'

/** A process with Socket.io over a bus, and nothing else of the product. */
export type SocketInstance = {
  readonly io: Server
  readonly port: number
  readonly failures: () => number
  /** How often sockets were named without those of some process. */
  readonly partial: () => number
  readonly said: unknown[]
}

/** Connected, with what it was sent. */
export type SocketClient = Client & { readonly got: unknown[] }

export type SocketInstances = {
  readonly start: (bus: BusPort) => Promise<SocketInstance>
  /** Of which each knows the others. */
  readonly startAll: (...buses: BusPort[]) => Promise<SocketInstance[]>
  /** In a room, where one is given. */
  readonly client: (instance: SocketInstance, room?: string) => Promise<SocketClient>
}

/** For a suite; all is closed after each test. */
export function socketInstances(): SocketInstances {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const start = async (bus: BusPort): Promise<SocketInstance> => {
    const http = createServer()
    const standstill = new Standstill()
    const said: unknown[] = []
    const counts = { failures: 0, partial: 0 }
    class OverBus extends BusAdapter {
      constructor(namespace: unknown) {
        super(namespace, {
          bus,
          standstill,
          onSaid: ({ data }) => said.push(data),
          onLag: () => undefined,
          onFailure: () => (counts.failures += 1),
          onPartial: () => (counts.partial += 1),
        })
      }
    }
    const io = new Server(http, { adapter: OverBus })
    closing.push(async () => {
      await io.close()
      standstill.close()
    })
    io.on('connection', (socket) => socket.on('enter', (room, ack) => ack(void socket.join(room))))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    return { io, port, failures: () => counts.failures, partial: () => counts.partial, said }
  }

  return {
    start,
    async startAll(...buses) {
      const instances = await Promise.all(buses.map(start))
      for (const { io } of instances)
        await vi.waitFor(
          async () => expect(await io.of('/').adapter.serverCount()).toBe(buses.length),
          // Two heartbeats, where the first one was lost.
          { timeout: 12_000 },
        )
      return instances
    },
    async client({ port }, room) {
      const socket = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false })
      closing.push(() => socket.close())
      const got: unknown[] = []
      socket.onAny((...event: unknown[]) => got.push(event))
      await new Promise<void>((resolve) => socket.once('connect', resolve))
      if (room !== undefined) await socket.emitWithAck('enter', room)
      return Object.assign(socket, { got })
    },
  }
}
