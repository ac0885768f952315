import type { MessageId, UserId } from '../../core/domain/ids.js'
import type { Message } from '../../core/domain/message.js'
import type { Role } from '../../core/domain/role.js'
import type { Member, Room } from '../../core/domain/room.js'
import type { RoomChange, RoomEvent, RoomEventType, Stamp } from '../../core/domain/room-event.js'

type MessageEventType = Extract<RoomEventType, `message.${string}`>

/** An entry of the log as it is stored: ids, and what no other row keeps. */
export type LogRow = Stamp &
  (
    | { readonly type: MessageEventType; readonly messageId: MessageId }
    | {
        readonly type: 'member.joined'
        readonly userId: UserId
        readonly role: Role
        readonly joinedAtMs: number
      }
    | { readonly type: 'member.changed'; readonly userId: UserId; readonly role: Role }
    | { readonly type: 'member.left'; readonly userId: UserId }
    | { readonly type: 'room.updated' }
  )

/** The state of a room from which its log is filled. */
export type Present = {
  readonly room: Room
  displayName(userId: UserId): string
  member(userId: UserId): Member | null
  readSeq(userId: UserId): number
  message(messageId: MessageId): Message | null
}

/** What the log keeps of a change. */
export function rowOf(change: RoomChange, { seq, atMs, actorId }: Stamp): LogRow {
  const stamp = { seq, atMs, actorId }
  switch (change.type) {
    case 'message.sent':
      return { ...stamp, type: change.type, messageId: change.draft.id }
    case 'member.joined': {
      const { userId, role, joinedAtMs } = change.member
      return { ...stamp, type: change.type, userId, role, joinedAtMs }
    }
    case 'member.changed':
      return { ...stamp, type: change.type, userId: change.userId, role: change.role }
    case 'member.left':
      return { ...stamp, type: change.type, userId: change.userId }
    case 'room.updated':
      return { ...stamp, type: change.type }
    default:
      return { ...stamp, type: change.type, messageId: change.message.id }
  }
}

/** The event of a row, filled with the present state of what it names; a former member keeps the role of then. */
export function filled(row: LogRow, present: Present): RoomEvent {
  const { seq, atMs, actorId } = row
  const stamp = { seq, atMs, actorId }
  switch (row.type) {
    case 'member.joined': {
      const { type, userId, role, joinedAtMs } = row
      const member = present.member(userId) ?? {
        userId,
        displayName: present.displayName(userId),
        role,
        joinedAtMs,
        readSeq: present.readSeq(userId),
      }
      return { ...stamp, type, data: { member } }
    }
    case 'member.left':
      return { ...stamp, type: row.type, data: { userId: row.userId } }
    case 'member.changed': {
      const { type, userId, role } = row
      return { ...stamp, type, data: { userId, role, displayName: present.displayName(userId) } }
    }
    case 'room.updated':
      return { ...stamp, type: row.type, data: { room: { ...present.room, headSeq: seq } } }
    default:
      return filledMessage(row.type, stamp, present.message(row.messageId))
  }
}

function filledMessage(type: MessageEventType, stamp: Stamp, message: Message | null): RoomEvent {
  if (message === null) throw new Error('a log row names no message')
  const { id: messageId, reactions, flaggedBy } = message
  switch (type) {
    case 'message.sent':
    case 'message.edited':
      return { ...stamp, type, data: { message } }
    case 'message.deleted':
      return { ...stamp, type, data: { messageId } }
    case 'message.reacted':
      return { ...stamp, type, data: { messageId, reactions } }
    case 'message.flagged':
      return { ...stamp, type, data: { messageId, flaggedBy } }
  }
}
