import type { Server } from 'node:http'
import { CLOSING_MS } from './limits.js'
import type { RealtimeServer } from './wire.js'

/** The WebSocket server below Engine.IO, which hands its options to each connection; its type leaves it out. */
type WithWebSockets = { readonly ws: { readonly options: { closeTimeout: number } } }
/** `closeTimeout` is of long polling alone: how long a session that is closing waits for one more poll. */
type Session = { readonly transport: { closeTimeout?: number } }

/** Cuts whoever does not answer the end of a connection; left to themselves, the libraries wait for 30 s. */
export function boundClosing(io: RealtimeServer, server: Server): void {
  const bound = (): void => {
    const { ws } = io.engine as unknown as WithWebSockets
    ws.options.closeTimeout = CLOSING_MS
  }
  bound()
  // Engine.IO makes a new one each time that the server begins to listen.
  server.on('listening', bound)
  io.engine.on('connection', ({ transport }: Session) => {
    if (transport.closeTimeout !== undefined) transport.closeTimeout = CLOSING_MS
  })
}
