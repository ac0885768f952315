import type { Transport } from 'engine.io'
import type { RealtimeServer } from './wire.js'

/** Of an Engine.IO socket what is used here; its types leave out where it hands what it holds to its transport. */
type EngineSocket = {
  readonly transport: Transport
  readonly writeBuffer: readonly unknown[]
  flush(): void
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
  let held: (() => void)[] = []

  const release = (): void => {
    const released = held
    held = []
    for (const flush of released) flush()
  }

  engine.on('connection', (socket) => {
    const flush = socket.flush.bind(socket)
    let isHeld = false
    const flushHeld = (): void => {
      isHeld = false
      flush()
    }
    // Engine.IO asks for it with each packet, and when what was written before has gone.
    socket.flush = () => {
      const { transport } = socket
      if (transport.name !== 'websocket') flush()
      else if (!isHeld && transport.writable && socket.writeBuffer.length > 0) {
        isHeld = true
        if (held.push(flushHeld) === 1) setImmediate(release)
      }
    }
  })
}
