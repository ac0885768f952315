import { PacketType } from 'socket.io-parser'
import type { ServerEventName, ServerEventPayload } from '../contract/server-events.js'
import { type Answer, answerJson, eventJson } from './message-json.js'
import { readEvent } from './read-event.js'
import { textFrame } from './text-frame.js'
import { TextWebSocket } from './text-web-socket.js'
import type { RealtimeServer, RealtimeSocket } from './wire.js'

type Connection = RealtimeSocket['conn']
/** Which events are taken; all others go the way of everything else. */
type Taker = {
  takes(event: string): boolean
  take(event: string, args: readonly unknown[]): void
}

/** What reads a client's packets and counts them; the types of Socket.io leave it out. */
type Client = { readonly decoder: { admits(): boolean } }
/** Of an Engine.IO socket, what its types leave out. */
type Session = {
  readonly writeBuffer: readonly unknown[]
  /** Runs while a pong is awaited. */
  readonly pingTimeoutTimer: NodeJS.Timeout | null
  hasRefreshedPingTimeout: boolean
}

/** Before each packet of Socket.io, for Engine.IO. */
const MESSAGE = '4'

/**
 * Gives the events of a socket to a taker as they come from its WebSocket, and their answers back to it, past the events and ticks by which
 * Engine.IO and Socket.io pass each on. Whatever else comes, and all that comes by polling, goes through these.
 */
export function takeDirectly(socket: RealtimeSocket, taker: Taker): void {
  const { conn } = socket
  const { decoder } = socket.client as unknown as Client

  const takeMessage = (message: string): boolean => {
    if (!socket.connected || conn.readyState !== 'open') return false
    const event = readEvent(message)
    // Where one is too many, Socket.io's way finds so too, and closes the connection.
    if (event === null || !taker.takes(event.data[0]) || !decoder.admits()) return false
    const [name, ...args] = event.data
    const { ackId } = event
    if (ackId !== null)
      args.push((answer: Answer) => send(conn, `${PacketType.ACK}${ackId}${answerJson(answer)}`))
    hearFrom(conn as unknown as Session)
    taker.take(name, args)
    return true
  }
  offerTo(conn, takeMessage)
}

/** As Engine.IO does: once a ping, whoever sends something else instead of the pong is given as long again. */
function hearFrom(session: Session): void {
  if (session.pingTimeoutTimer === null || session.hasRefreshedPingTimeout) return
  session.pingTimeoutTimer.refresh()
  session.hasRefreshedPingTimeout = true
}

/** Of each connection, who is offered its messages: the socket that came in last, as with Socket.io, where a client asks for several. */
const offered = new WeakMap<Connection, (message: string) => boolean>()

function offerTo(conn: Connection, take: (message: string) => boolean): void {
  const offer = (transport: unknown): void => {
    if (transport instanceof TextWebSocket) transport.take = offered.get(conn) ?? take
  }
  if (!offered.has(conn)) conn.on('upgrade', offer)
  offered.set(conn, take)
  offer(conn.transport)
}

/** Tells all sockets of this process that are in a room of Socket.io's; what they get is made once for all of them. */
export function tellHere<N extends ServerEventName>(
  io: RealtimeServer,
  room: string,
  event: N,
  payload: ServerEventPayload<N>,
): void {
  const { adapter, sockets } = io.of('/')
  const ids = adapter.rooms.get(room)
  if (ids === undefined) return
  const packet = `${PacketType.EVENT}${eventJson(event, payload)}`
  const frame = textFrame(MESSAGE + packet)
  for (const id of ids) {
    const socket = sockets.get(id)
    if (socket !== undefined) send(socket.conn, packet, frame)
  }
}

/** In order with what Engine.IO is given: where anything waits there, this waits behind it. */
function send(conn: Connection, packet: string, shared?: Buffer): void {
  const { transport } = conn
  const isClear = conn.readyState === 'open' && (conn as unknown as Session).writeBuffer.length === 0
  if (isClear && transport instanceof TextWebSocket)
    transport.sendFrame(shared ?? textFrame(MESSAGE + packet))
  // The frame is a part of something larger: not to be kept for as long as a client does not poll.
  else conn.write(packet)
}
