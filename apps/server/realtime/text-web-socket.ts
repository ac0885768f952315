import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Transport, transports } from 'engine.io'
import { readTextFrames } from './read-text-frames.js'
import { Slab } from './slab.js'
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

/** For what is written together. */
const slab = new Slab()

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
  const turn = new Turn()
  engine.createTransport = (name, request) =>
    name === 'websocket'
      ? new TextWebSocket(request, engine.opts.maxHttpBufferSize, turn)
      : createOther(name, request)
}

/** The WebSockets that have something to write when the turn of the event loop is over. */
class Turn {
  private waiting: TextWebSocket[] = []

  add(socket: TextWebSocket): void {
    if (this.waiting.push(socket) === 1) setImmediate(this.end)
  }

  private readonly end = (): void => {
    const ending = this.waiting
    this.waiting = []
    for (const socket of ending) socket.flush()
  }
}

/**
 * Engine.IO's WebSocket for text: all that one turn of the event loop has for it is written together, instead of each packet by itself in
 * parts, and plain messages are read without the detours that all others need.
 */
export class TextWebSocket extends transports.websocket {
  /** Is offered each plain message first; one that it does not take is read by Engine.IO. */
  take: (message: string) => boolean = () => false
  private readonly below: Below
  /** What waits for the end of the turn, or for a slow reader. */
  private frames: Buffer[] = []
  /** Writes that the connection has not finished. */
  private writing = 0
  private closeAfterWrites: (() => void) | null = null

  /** @param maxBytes of a message that is read */
  constructor(
    request: WebSocketRequest,
    maxBytes: number,
    private readonly turn: Turn,
  ) {
    super(request)
    this.below = request.websocket as unknown as Below
    const connection = this.below._socket
    // Where anything came before, `ws` may have part of a message.
    if (connection !== null && bytesAtUpgrade.get(request) === connection.bytesRead)
      readTextFrames(connection, maxBytes, (message) => {
        if (!this.take(message)) this.onData(message)
      })
  }

  /** Of what has not been handed to the connection. */
  get waitingBytes(): number {
    let bytes = 0
    for (const { length } of this.frames) bytes += length
    return bytes
  }

  override send(packets: Packets): void {
    const frames = this.framesOf(packets)
    // Engine.IO tells of the error where there is no connection any more.
    if (!this.isOpen || frames === null) {
      this.flush()
      super.send(packets)
      return
    }
    for (const frame of frames) this.sendFrame(frame)
    this.emit('drain')
  }

  /** Sends what may be a frame for many, behind all that was sent before. Nothing is told of where the connection has gone. */
  sendFrame(frame: Buffer): void {
    // What waits for a slow reader must not keep alive more than its own bytes.
    const kept = this.writing > 0 ? withoutPool(frame) : frame
    if (this.frames.push(kept) === 1 && this.writing === 0) this.turn.add(this)
  }

  /** What waits is never sent. For a connection that is about to be cut. */
  dropWaiting(): void {
    this.frames = []
  }

  /** Writes what waits, at once. */
  flush(): void {
    const { frames } = this
    const connection = this.below._socket
    if (frames.length === 0) return
    this.frames = []
    if (!this.isOpen || connection === null) return
    this.writing += 1
    writeTogether(connection, frames, this.written)
  }

  /** Once the network has taken what was sent last: from then on the client has only so long to answer the close (`boundClosing`). */
  override doClose(done?: () => void): void {
    this.flush()
    if (this.writing === 0) super.doClose(done)
    else this.closeAfterWrites = () => super.doClose(done)
  }

  private get isOpen(): boolean {
    return this.below.readyState === this.below.OPEN && this.below._socket !== null
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

  private readonly written = (error?: Error | null): void => {
    this.writing -= 1
    if (error) this.onError('write error', error.stack)
    else if (this.writing === 0 && this.frames.length > 0) this.turn.add(this)
    if (this.writing > 0) return
    this.closeAfterWrites?.()
    this.closeAfterWrites = null
  }
}

/** Small buffers are parts of larger ones that are made for many. */
function withoutPool(frame: Buffer): Buffer {
  if (frame.buffer.byteLength === frame.length) return frame
  const copy = Buffer.allocUnsafeSlow(frame.length)
  frame.copy(copy)
  return copy
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
    socket.write(slab.join(frames, bytes), done)
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
