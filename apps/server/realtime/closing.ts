import { CLOSING_MS } from './limits.js'
import type { RealtimeServer } from './wire.js'

/** The WebSocket server below Engine.IO, which hands its options to each connection; its type leaves it out. */
type WithWebSockets = { readonly ws: { readonly options: { closeTimeout: number } } }
/** Of long polling alone: how long a session that is closing waits for one more poll. */
type ClosingSession = { readonly transport: { closeTimeout?: number } }

/** Cuts whoever does not answer the end of a connection; left to themselves, the libraries wait for 30 s. */
export function boundClosing(io: RealtimeServer): void {
  const { ws } = io.engine as unknown as WithWebSockets
  ws.options.closeTimeout = CLOSING_MS
  io.engine.on('connection', ({ transport }: ClosingSession) => {
    if (transport.closeTimeout !== undefined) transport.closeTimeout = CLOSING_MS
  })
}
