import type { Transport } from 'engine.io'
import type { RealtimeServer } from './wire.js'

/** Of an Engine.IO socket what is used here; its types leave out when it makes packets. */
type EngineSocket = {
  readonly transport: Transport
  on(event: 'packetCreate', listener: () => void): void
}

type EngineServer = {
  on(event: 'connection', listener: (socket: EngineSocket) => void): void
}

/**
 * Writes all packets that one turn of the event loop has for a WebSocket by one system call: a message's event and its
 * ack, say (`TextWebSocket`). Engine.IO by itself writes the first at once, and the others, one by one, when that has been written.
 */
export function gatherWrites(io: Pick<RealtimeServer, 'engine'>): void {
  const engine = io.engine as unknown as EngineServer
  let held: Transport[] = []

  const release = (): void => {
    const released = held
    held = []
    for (const transport of released) {
      transport.writable = true
      // Engine.IO answers by handing over what has gathered.
      transport.emit('ready')
    }
  }

  const hold = ({ transport }: EngineSocket): void => {
    if (!transport.writable || transport.name !== 'websocket') return
    transport.writable = false
    if (held.push(transport) === 1) setImmediate(release)
  }

  engine.on('connection', (socket) => socket.on('packetCreate', () => hold(socket)))
}
