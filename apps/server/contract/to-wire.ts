import type { Login, User } from '../../../core/domain/account.js'
import type { Message } from '../../../core/domain/message.js'
import type { Member, Room } from '../../../core/domain/room.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { Verdict } from '../../../core/ports/mediator-port.js'
import type { Presence } from '../../../core/ports/presence-port.js'
import type { WireRoomEvent } from './room-events.js'
import type {
  WireDelivery,
  WireMember,
  WireMessage,
  WirePresence,
  WireRoom,
  WireSession,
  WireUser,
} from './shapes.js'

/** Of a message its time is written three times, and under load there are several messages a millisecond. */
const recentTimes = new Map<number, string>()
const RECENT_MAX = 500

/** ISO 8601 in UTC with milliseconds, which is what `toISOString` always gives. */
export function isoTime(ms: number): string {
  const known = recentTimes.get(ms)
  if (known !== undefined) return known
  const text = new Date(ms).toISOString()
  if (recentTimes.size >= RECENT_MAX) recentTimes.clear()
  recentTimes.set(ms, text)
  return text
}
const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))

export const wireUser = (user: User): WireUser => ({
  id: user.id,
  email: user.email,
  displayName: user.displayName,
  createdAt: isoTime(user.createdAtMs),
})

export const wireRoom = (room: Room): WireRoom => ({
  id: room.id,
  name: room.name,
  kind: room.kind,
  mediation: room.mediation,
  sendAnyway: room.sendAnyway,
  optOut: room.optOut,
  headSeq: room.headSeq,
  createdAt: isoTime(room.createdAtMs),
})

export const wireMember = (member: Member): WireMember => ({
  userId: member.userId,
  displayName: member.displayName,
  role: member.role,
  joinedAt: isoTime(member.joinedAtMs),
  readSeq: member.readSeq,
})

export const wireMessage = (message: Message): WireMessage => ({
  id: message.id,
  roomId: message.roomId,
  seq: message.seq,
  senderId: message.senderId,
  clientMessageId: message.clientMessageId,
  text: message.text,
  threadId: message.threadId,
  threadSeq: message.threadSeq,
  threadBy: message.threadBy,
  replyTo: message.replyTo,
  createdAt: isoTime(message.createdAtMs),
  editedAt: isoTimeOrNull(message.editedAtMs),
  deletedAt: isoTimeOrNull(message.deletedAtMs),
  reactions: message.reactions,
  flaggedBy: message.flaggedBy,
  mediation: message.mediation === null ? null : { outcome: message.mediation.outcome },
})

export const wireMessages = (messages: readonly Message[]): readonly WireMessage[] =>
  messages.map(wireMessage)

export const wireDelivery = (delivery: { message: Message; verdict: Verdict | null }): WireDelivery => ({
  status: 'delivered',
  message: wireMessage(delivery.message),
  verdict: delivery.verdict,
})

export const wireSession = (login: Login, currentId: string | null): WireSession => ({
  id: login.id,
  createdAt: isoTime(login.createdAtMs),
  lastSeenAt: isoTime(login.lastSeenAtMs),
  userAgent: login.userAgent,
  current: login.id === currentId,
})

export const wirePresence = (presence: Presence): WirePresence => ({
  userId: presence.userId,
  state: presence.state,
  lastSeenAt: isoTimeOrNull(presence.lastSeenAtMs),
})

export function wireRoomEvent(event: RoomEvent): WireRoomEvent {
  const { seq, actorId, type } = event
  const at = isoTime(event.atMs)
  // Each field by name, as every message comes by here: after a spread, V8 makes a hidden class of its own for each object.
  if (type === 'message.sent')
    return { seq, at, actorId, type, data: { message: wireMessage(event.data.message) } }
  const stamp = { seq, at, actorId }
  switch (event.type) {
    case 'message.edited':
      return { ...stamp, type: event.type, data: { message: wireMessage(event.data.message) } }
    case 'message.deleted':
      return { ...stamp, type: event.type, data: { messageId: event.data.messageId } }
    case 'message.reacted': {
      const { messageId, reactions } = event.data
      return { ...stamp, type: event.type, data: { messageId, reactions } }
    }
    case 'message.flagged': {
      const { messageId, flaggedBy } = event.data
      return { ...stamp, type: event.type, data: { messageId, flaggedBy } }
    }
    case 'member.joined':
      return { ...stamp, type: event.type, data: { member: wireMember(event.data.member) } }
    case 'member.left':
      return { ...stamp, type: event.type, data: { userId: event.data.userId } }
    case 'member.changed': {
      const { userId, role, displayName } = event.data
      return { ...stamp, type: event.type, data: { userId, role, displayName } }
    }
    case 'room.updated':
      return { ...stamp, type: event.type, data: { room: wireRoom(event.data.room) } }
  }
}

export const wireRoomEvents = (events: readonly RoomEvent[]): readonly WireRoomEvent[] =>
  events.map(wireRoomEvent)
