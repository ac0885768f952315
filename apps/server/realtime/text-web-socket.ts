import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Transport, transports } from 'engine.io'
import { readTextFrames } from './read-text-frames.js'
import { textFrame } from './text-frame.js'
import type { RealtimeServer } from './wire.js'

type WebSocketRequest = ConstructorParameters<typeof transports.websocket>[0]
type Packets = Parameters<Transport['send']>[0]

/** The library's WebSocket with the connection below it, which its types leave out. */
type Below = { readonly OPEN: number; readonly readyState: number; readonly _socket: NetSocket | null }

/** What a packet for many carries, once for all of them: the frame, in the parts that Socket.io made of it. */
type Shared = { wsPreEncodedFrame?: readonly Buffer[] }

/** More than this, which waited for a slow reader, is not copied: frames for many are kept once, however many wait for them. */
const COPY_MAX = 65_536

type EngineServer = {
  readonly opts: { readonly maxHttpBufferSize: number }
  createTransport(name: string, request: WebSocketRequest): Transport
}

/** Requests for an upgrade with which nothing else came, and how many bytes their connections had brought by then. */
const bytesAtUpgrade = new WeakMap<IncomingMessage, number>()

/** Has the WebSockets of a server be such as are made here, from the next one on. */
export function useTextWebSockets(io: Pick<RealtimeServer, 'engine' | 'httpServer'>): void {
  const http = io.httpServer as HttpServer
  http.prependListener('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    if (head.length === 0) bytesAtUpgrade.set(request, (connection as NetSocket).bytesRead)
  })
  const engine = io.engine as unknown as EngineServer
  const createOther = engine.createTransport.bind(engine)
  engine.createTransport = (name, request) =>
    name === 'websocket'
      ? new TextWebSocket(request, engine.opts.maxHttpBufferSize)
      : createOther(name, request)
}

/**
 * Engine.IO's WebSocket for text: it writes all packets that it is given as one buffer instead of each by itself in parts, and reads
 * plain messages without the detours that all others need.
 */
class TextWebSocket extends transports.websocket {
  private readonly below: Below

  /** @param maxBytes of a message that is read */
  constructor(request: WebSocketRequest, maxBytes: number) {
    super(request)
    this.below = request.websocket as unknown as Below
    const connection = this.below._socket
    // Where anything came before, `ws` may have part of a message.
    if (connection !== null && bytesAtUpgrade.get(request) === connection.bytesRead)
      readTextFrames(connection, maxBytes, (message) => this.onData(message))
  }

  override send(packets: Packets): void {
    const { below } = this
    const frames = this.framesOf(packets)
    // Engine.IO tells of the error where there is no connection any more.
    if (below.readyState !== below.OPEN || below._socket === null || frames === null) {
      super.send(packets)
      return
    }
    this.writable = false
    writeTogether(below._socket, frames, this.sent)
  }

  /** Null where one of them is no text. */
  private framesOf(packets: Packets): readonly Buffer[] | null {
    const frames: Buffer[] = []
    for (const packet of packets) {
      const shared = sharedFrame(packet.options as Shared | undefined)
      if (shared !== null) frames.push(shared)
      else
        this.parser.encodePacket(packet, this.supportsBinary, (encoded: unknown) => {
          if (typeof encoded === 'string') frames.push(textFrame(encoded))
        })
    }
    return frames.length === packets.length ? frames : null
  }

  private readonly sent = (error?: Error | null): void => {
    if (error) {
      this.onError('write error', error.stack)
      return
    }
    this.emit('drain')
    this.writable = true
    this.emit('ready')
  }
}

function writeTogether(
  socket: NetSocket,
  frames: readonly Buffer[],
  done: (error?: Error | null) => void,
): void {
  const [first] = frames
  if (frames.length === 1 && first !== undefined) {
    socket.write(first, done)
    return
  }
  let bytes = 0
  for (const { length } of frames) bytes += length
  if (bytes <= COPY_MAX) {
    socket.write(Buffer.concat(frames, bytes), done)
    return
  }
  socket.cork()
  for (const [index, frame] of frames.entries())
    socket.write(frame, index === frames.length - 1 ? done : undefined)
  socket.uncork()
}

/** Joins the parts once, for all sockets that it goes to. */
function sharedFrame(options: Shared | undefined): Buffer | null {
  if (options?.wsPreEncodedFrame === undefined) return null
  const [first, ...rest] = options.wsPreEncodedFrame
  if (first === undefined) return null
  if (rest.length === 0) return first
  const frame = Buffer.concat(options.wsPreEncodedFrame)
  options.wsPreEncodedFrame = [frame]
  return frame
}
