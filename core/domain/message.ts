import type { MessageId, RoomId, ThreadId, UserId } from './ids.js'

/** How a message came to be delivered; the database refuses a message without it. `off` = the room has no mediation. */
export type DeliveredUnder = 'off' | 'clear' | 'rewritten' | 'edited' | 'sent-anyway'
export type MediationOutcome = Exclude<DeliveredUnder, 'off'>

export type Message = {
  readonly id: MessageId
  readonly roomId: RoomId
  /** Seq of the event that sent it. */
  readonly seq: number
  readonly senderId: UserId
  readonly clientMessageId: string
  /** Empty in a tombstone. */
  readonly text: string
  readonly threadId: ThreadId | null
  /** Place in its thread, in order of assignment. */
  readonly threadSeq: number | null
  readonly threadBy: 'member' | 'auto' | null
  readonly replyTo: MessageId | null
  readonly createdAtMs: number
  readonly editedAtMs: number | null
  readonly deletedAtMs: number | null
  /** Users by emoji, in order of reacting; an emoji without users is left out. */
  readonly reactions: Readonly<Record<string, readonly UserId[]>>
  /** In order of flagging. */
  readonly flaggedBy: readonly UserId[]
  readonly mediation: { readonly outcome: MediationOutcome } | null
}

export type MessageVersion = { readonly text: string; readonly atMs: number }

/** A message may carry this many different emoji. */
export const REACTIONS_PER_MESSAGE = 50

export const mediationOf = (deliveredUnder: DeliveredUnder): Message['mediation'] =>
  deliveredUnder === 'off' ? null : { outcome: deliveredUnder }

export const edited = (message: Message, text: string, atMs: number): Message => ({
  ...message,
  text,
  editedAtMs: atMs,
})

/** Leaves the place in the log and takes the text away. */
export const tombstone = (message: Message, atMs: number): Message => ({
  ...message,
  text: '',
  deletedAtMs: atMs,
})

export function withReaction(message: Message, userId: UserId, emoji: string, on: boolean): Message {
  const others = (message.reactions[emoji] ?? []).filter((id) => id !== userId)
  const users = on ? [...others, userId] : others
  const { [emoji]: _, ...rest } = message.reactions
  return { ...message, reactions: users.length === 0 ? rest : { ...rest, [emoji]: users } }
}

export function withFlag(message: Message, userId: UserId, on: boolean): Message {
  const others = message.flaggedBy.filter((id) => id !== userId)
  return { ...message, flaggedBy: on ? [...others, userId] : others }
}
