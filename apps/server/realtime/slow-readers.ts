import { SLOW_READER_MS, UNREAD_BYTES } from './limits.js'
import { type SocketConnection, terminate } from './socket-connection.js'
import { TextWebSocket } from './text-web-socket.js'

const LOOK_EVERY_MS = 250

/** What waits in Engine.IO and in the connection; their types leave both out. */
type Buffers = {
  readonly writeBuffer: readonly { readonly data?: string }[]
  readonly transport: { readonly socket?: { readonly bufferedAmount?: number } }
}

function unreadBytes(connection: SocketConnection): number {
  const { conn } = connection.socket
  const { writeBuffer, transport } = conn as unknown as Buffers
  let bytes = transport.socket?.bufferedAmount ?? 0
  for (const { data } of writeBuffer) bytes += data?.length ?? 0
  return bytes + (webSocketOf(conn)?.waitingBytes ?? 0)
}

const webSocketOf = ({ transport }: { readonly transport: unknown }): TextWebSocket | null =>
  transport instanceof TextWebSocket ? transport : null

/** Cuts connections for which too much waits: at once above the hard cap, after a while above the soft one. */
export class SlowReaders {
  private readonly slowSinceMs = new WeakMap<SocketConnection, number>()
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly connections: ReadonlySet<SocketConnection>,
    private readonly onCut: () => void,
  ) {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref()
  }

  close(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    const nowMs = performance.now()
    for (const connection of this.connections) {
      const bytes = unreadBytes(connection)
      if (bytes <= UNREAD_BYTES.soft) {
        this.slowSinceMs.delete(connection)
        continue
      }
      const sinceMs = this.slowSinceMs.get(connection) ?? nowMs
      this.slowSinceMs.set(connection, sinceMs)
      if (bytes > UNREAD_BYTES.hard || nowMs - sinceMs >= SLOW_READER_MS) this.cut(connection)
    }
  }

  private cut(connection: SocketConnection): void {
    this.onCut()
    const { conn } = connection.socket
    webSocketOf(conn)?.dropWaiting()
    connection.end({ reason: 'too-slow', retryAfterMs: 1_000 })
    terminate(conn)
  }
}
