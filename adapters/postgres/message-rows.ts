import type { UserId } from '../../core/domain/ids.js'
import { type DeliveredUnder, type Message, mediationOf } from '../../core/domain/message.js'
import type { Sql, Transaction } from './connection.js'

/** A message as its columns are selected; the same names and values in a row and in JSON. */
export type MessageRow = {
  readonly id: string
  readonly room_id: string
  readonly seq: number
  readonly sender_id: string
  readonly client_message_id: string
  readonly text: string
  readonly thread_id: string | null
  readonly thread_seq: number | null
  readonly thread_by: 'member' | 'auto' | null
  readonly reply_to: string | null
  readonly created_at_ms: number
  readonly edited_at_ms: number | null
  readonly deleted_at_ms: number | null
  readonly delivered_under: DeliveredUnder
  /** Emoji and user, in order of reacting. */
  readonly reactions: readonly (readonly [emoji: string, userId: UserId])[] | null
  readonly flagged_by: readonly UserId[] | null
}

/** The columns of `MessageRow`, of a table that goes by `m`. */
export const messageColumns = (sql: Sql | Transaction) => sql`
  m.id, m.room_id, m.seq, m.sender_id, m.client_message_id, m.text, m.thread_id, m.thread_seq, m.thread_by, m.reply_to,
  m.created_at_ms, m.edited_at_ms, m.deleted_at_ms, m.delivered_under,
  (select json_agg(json_build_array(r.emoji, r.user_id) order by r.seq)
    from message_reactions r where r.message_id = m.id) as reactions,
  (select json_agg(f.user_id order by f.seq) from message_flags f where f.message_id = m.id) as flagged_by`

export const toMessage = (row: MessageRow): Message => ({
  id: row.id,
  roomId: row.room_id,
  seq: row.seq,
  senderId: row.sender_id,
  clientMessageId: row.client_message_id,
  text: row.text,
  threadId: row.thread_id,
  threadSeq: row.thread_seq,
  threadBy: row.thread_by,
  replyTo: row.reply_to,
  createdAtMs: row.created_at_ms,
  editedAtMs: row.edited_at_ms,
  deletedAtMs: row.deleted_at_ms,
  reactions: toReactions(row.reactions ?? []),
  flaggedBy: row.flagged_by ?? [],
  mediation: mediationOf(row.delivered_under),
})

function toReactions(pairs: NonNullable<MessageRow['reactions']>): Message['reactions'] {
  const users = new Map<string, UserId[]>()
  for (const [emoji, userId] of pairs) {
    const sofar = users.get(emoji)
    if (sofar === undefined) users.set(emoji, [userId])
    else sofar.push(userId)
  }
  return Object.fromEntries(users)
}
