import type { Socket as NetSocket } from 'node:net'
import { type Transport, transports } from 'engine.io'
import { textFrame } from './text-frame.js'
import type { RealtimeServer } from './wire.js'

type Request = ConstructorParameters<typeof transports.websocket>[0]
type Packets = Parameters<Transport['send']>[0]

/** The library's WebSocket with the connection below it, which its types leave out. */
type Below = { readonly OPEN: number; readonly readyState: number; readonly _socket: NetSocket | null }

/** What a packet for many carries, once for all of them: the frame, in the parts that Socket.io made of it. */
type Shared = { wsPreEncodedFrame?: readonly Buffer[] }

/** Of an Engine.IO socket what is used here; its types leave out when it makes packets. */
type EngineSocket = {
  readonly transport: Transport
  on(event: 'packetCreate', listener: () => void): void
}

type EngineServer = {
  createTransport(name: string, request: Request): Transport
  on(event: 'connection', listener: (socket: EngineSocket) => void): void
}

/** More than this, which waited for a slow reader, is not copied: frames for many are kept once, however many wait for them. */
const COPY_MAX = 65_536

/** Engine.IO's WebSocket, which writes all packets that it is given as one buffer instead of each by itself in parts. */
class GatheringWebSocket extends transports.websocket {
  private readonly below: Below

  constructor(request: Request) {
    super(request)
    this.below = request.websocket as unknown as Below
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

/**
 * Writes all packets that one turn of the event loop has for a WebSocket by one system call: a message's event and its
 * ack, say. Engine.IO by itself writes the first at once, and the others, one by one, when that has been written.
 */
export function gatherWrites(io: Pick<RealtimeServer, 'engine'>): void {
  const engine = io.engine as unknown as EngineServer
  let held: Transport[] = []

  const createOther = engine.createTransport.bind(engine)
  engine.createTransport = (name, request) =>
    name === 'websocket' ? new GatheringWebSocket(request) : createOther(name, request)

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
