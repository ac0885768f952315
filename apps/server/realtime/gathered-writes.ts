import type { Socket as NetSocket } from 'node:net'
import type { RealtimeServer } from './wire.js'

/** Of an Engine.IO socket what its types leave out: the connection below, and the flag by which a transport holds packets back. */
type EngineSocket = {
  readonly transport: {
    readonly name: string
    /** That of a WebSocket; the request of the handshake came on another connection where it began with polling. */
    readonly socket?: { readonly _socket?: NetSocket | null }
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
    for (const { transport } of released) {
      const below = transport.socket?._socket
      below?.cork()
      transport.writable = true
      // Engine.IO answers by handing over what has gathered.
      transport.emit('ready')
      below?.uncork()
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
