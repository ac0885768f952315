import type { MessageId, RoomId, UserId } from './ids.js'
import { type DeliveredUnder, type Message, mediationOf } from './message.js'
import type { Role } from './role.js'
import type { Member, Room, RoomHeads } from './room.js'

/** What each type of event of a room's log carries when it is read: always the present state of what it names. */
export type RoomEventData = {
  'message.sent': { readonly message: Message }
  'message.edited': { readonly message: Message }
  'message.deleted': { readonly messageId: MessageId }
  'message.reacted': {
    readonly messageId: MessageId
    readonly reactions: Readonly<Record<string, readonly UserId[]>>
  }
  'message.flagged': { readonly messageId: MessageId; readonly flaggedBy: readonly UserId[] }
  'member.joined': { readonly member: Member }
  'member.left': { readonly userId: UserId }
  'member.changed': { readonly userId: UserId; readonly role: Role; readonly displayName: string }
  'room.updated': { readonly room: Room }
}

export type RoomEventType = keyof RoomEventData

/** An entry of a room's log. `seq` is gapless per room, in commit order. */
export type RoomEvent = {
  [T in RoomEventType]: {
    readonly seq: number
    readonly type: T
    readonly atMs: number
    readonly actorId: UserId
    readonly data: RoomEventData[T]
  }
}[RoomEventType]

/** A message that has no place in the log yet. */
export type MessageDraft = Omit<
  Message,
  'seq' | 'createdAtMs' | 'editedAtMs' | 'deletedAtMs' | 'reactions' | 'flaggedBy' | 'mediation'
> & {
  /** Digest of the text first submitted: what makes a retry "the same" message, also after edits and deletion. */
  readonly submittedDigest: string
  readonly deliveredUnder: DeliveredUnder
}

/**
 * One change of a room, as a use case decides it. A store writes the rows that it names, gives it the room's next seq and
 * appends it to the log, all in one transaction.
 */
export type RoomChange =
  /** Its sender is the actor of the write: the stored message is all that is kept of the event. */
  | { readonly type: 'message.sent'; readonly draft: MessageDraft }
  /** `message` before the edit; the new text becomes its newest version. */
  | {
      readonly type: 'message.edited'
      readonly message: Message
      readonly text: string
      readonly deliveredUnder: DeliveredUnder
    }
  /** Texts of all versions are erased; the row stays. */
  | { readonly type: 'message.deleted'; readonly message: Message }
  | {
      readonly type: 'message.reacted'
      /** After the change. */
      readonly message: Message
      readonly userId: UserId
      readonly emoji: string
      readonly on: boolean
    }
  | {
      readonly type: 'message.flagged'
      /** After the change. */
      readonly message: Message
      readonly userId: UserId
      readonly on: boolean
      readonly reason: string | null
    }
  /** `invitationCode`: the invitation that this uses up by one. */
  | { readonly type: 'member.joined'; readonly member: Member; readonly invitationCode: string | null }
  | { readonly type: 'member.left'; readonly userId: UserId }
  | {
      readonly type: 'member.changed'
      readonly userId: UserId
      readonly role: Role
      readonly displayName: string
    }
  /** `room` after the change; its `headSeq` is set on appending. */
  | { readonly type: 'room.updated'; readonly room: Room }

export type Stamp = { readonly seq: number; readonly atMs: number; readonly actorId: UserId }

/** Each field by name: one of the paths on which every message goes, where copying the rest of an object costs ten times as much. */
const sent = (draft: MessageDraft, stamp: Stamp): Message => ({
  id: draft.id,
  roomId: draft.roomId,
  seq: stamp.seq,
  senderId: draft.senderId,
  clientMessageId: draft.clientMessageId,
  text: draft.text,
  threadId: draft.threadId,
  threadSeq: draft.threadSeq,
  threadBy: draft.threadBy,
  replyTo: draft.replyTo,
  createdAtMs: stamp.atMs,
  editedAtMs: null,
  deletedAtMs: null,
  reactions: {},
  flaggedBy: [],
  mediation: mediationOf(draft.deliveredUnder),
})

/** The log entry that a change makes, filled with the state right after it. */
export function toRoomEvent(change: RoomChange, stamp: Stamp): RoomEvent {
  switch (change.type) {
    case 'message.sent': {
      const { seq, atMs, actorId } = stamp
      if (change.draft.senderId !== actorId) throw new Error('a message is sent by another than its sender')
      return { seq, atMs, actorId, type: change.type, data: { message: sent(change.draft, stamp) } }
    }
    case 'message.edited': {
      const { message, text, deliveredUnder } = change
      const after = { ...message, text, editedAtMs: stamp.atMs, mediation: mediationOf(deliveredUnder) }
      return { ...stamp, type: change.type, data: { message: after } }
    }
    case 'message.deleted':
      return { ...stamp, type: change.type, data: { messageId: change.message.id } }
    case 'message.reacted': {
      const { id, reactions } = change.message
      return { ...stamp, type: change.type, data: { messageId: id, reactions } }
    }
    case 'message.flagged': {
      const { id, flaggedBy } = change.message
      return { ...stamp, type: change.type, data: { messageId: id, flaggedBy } }
    }
    case 'member.joined':
      return { ...stamp, type: change.type, data: { member: change.member } }
    case 'member.left':
      return { ...stamp, type: change.type, data: { userId: change.userId } }
    case 'member.changed': {
      const { userId, role, displayName } = change
      return { ...stamp, type: change.type, data: { userId, role, displayName } }
    }
    case 'room.updated':
      return { ...stamp, type: change.type, data: { room: { ...change.room, headSeq: stamp.seq } } }
  }
}

/** Which of a room's heads an event raises, beside that of the room itself. */
export const TOUCHES: Readonly<Record<RoomEventType, 'messages' | 'members' | 'room'>> = {
  'message.sent': 'messages',
  'message.edited': 'messages',
  'message.deleted': 'messages',
  'message.reacted': 'messages',
  'message.flagged': 'messages',
  'member.joined': 'members',
  'member.left': 'members',
  'member.changed': 'members',
  'room.updated': 'room',
}

/** The heads of a room after one more event of `type` at `seq`. */
export function raise(heads: RoomHeads, type: RoomEventType, seq: number): RoomHeads {
  const kind = TOUCHES[type]
  return kind === 'room' ? { ...heads, head: seq } : { ...heads, head: seq, [kind]: seq }
}

/** Everything that one commit appended to one room. */
export type RoomCommit = {
  readonly roomId: RoomId
  readonly heads: RoomHeads
  /** Consecutive, ascending, at least one. */
  readonly events: readonly RoomEvent[]
}

/** A room at one seq, read consistently: with the events after `headSeq` it adds up to any later snapshot. */
export type RoomSnapshot = {
  readonly room: Room
  readonly headSeq: number
  /** Of the reader. */
  readonly role: Role
  readonly members: readonly Member[]
  /** The newest, ascending by `seq`. */
  readonly messages: readonly Message[]
}
