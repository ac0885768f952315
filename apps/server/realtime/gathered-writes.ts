import type { Socket as NetSocket } from 'node:net'
import type { RealtimeServer } from './wire.js'

/** Of an Engine.IO socket what its types leave out: the connection below, and the flag by which a transport holds packets back. */
type EngineSocket = {
  readonly request: { readonly socket: NetSocket }
  readonly transport: {
    readonly name: string
    writable: boolean
    emit(event: 'ready'): void
  }
  on(event: 'packetCreate', listener: () => void): void
}

/**
 * Writes all packets that one turn of the event loop has for a connection by one system call: a message's event and its
 * ack, say. Engine.IO by itself writes the first at once, and the others, one by one, when that has been written.
 */
export function gatherWrites(io: Pick<RealtimeServer, 'engine'>): void {
  let held: EngineSocket[] = []

  const release = (): void => {
    const released = held
    held = []
    for (const { request, transport } of released) {
      request.socket.cork()
      transport.writable = true
      // Engine.IO answers by handing over what has gathered.
      transport.emit('ready')
      request.socket.uncork()
    }
  }

  const hold = (conn: EngineSocket): void => {
    const { transport } = conn
    if (!transport.writable || transport.name !== 'websocket') return
    transport.writable = false
    if (held.push(conn) === 1) setImmediate(release)
  }

  io.engine.on('connection', (conn: EngineSocket) => conn.on('packetCreate', () => hold(conn)))
}
