import type { RoomId } from '../../core/domain/ids.js'
import type { Sql, Transaction } from './connection.js'
import type { Statement } from './room-change-statements.js'

/**
 * To be run before the words of messages in these rooms are changed, and in a statement before them: whoever is indexing one of
 * the rooms has then committed, so that what follows sees their rows, or begins after this transaction and sees its texts.
 * A row that is there is locked and stays as it is; behind a change of it `addSearchHeads` would wait.
 */
export const holdSearchHeads: Statement = (tx, rows) => tx`
  insert into search_heads (room_id, seq)
  select distinct "roomId", 0 from ${rows} as t("roomId" uuid) order by "roomId"
  on conflict (room_id) do update set seq = search_heads.seq where false`

/**
 * Answers in which of these rooms somebody else holds the search head, so that `holdSearchHeads` would wait, and holds the heads
 * of the others.
 */
export const heldSearchHeads = (tx: Transaction, roomIds: readonly RoomId[]) => tx<{ room_id: RoomId }[]>`
  with free as materialized (${lockFreeSearchHeads(tx, roomIds)})
  select room_id from search_heads
  where room_id = any(${[...roomIds]}::uuid[]) and room_id not in (select room_id from free)`

/** Of those that are indexed; the others will be, with the new text. */
export const updateWords: Statement = (tx, rows) => tx`
  update message_words w set words = words_of(t."roomId", t.text)
  from ${rows} as t("roomId" uuid, seq bigint, text text) where w.room_id = t."roomId" and w.seq = t.seq`

export const eraseWords: Statement = (tx, rows) => tx`
  delete from message_words w using ${rows} as t("roomId" uuid, seq bigint)
  where w.room_id = t."roomId" and w.seq = t.seq`

/** Rooms of which messages may not be indexed, ascending from `after`. */
export const roomsLeftBehind = (sql: Sql, after: RoomId | null, limit: number) => sql<{ id: RoomId }[]>`
  select r.id from rooms r left join search_heads h on h.room_id = r.id
  where r.messages_head > coalesce(h.seq, 0) ${after === null ? sql`` : sql`and r.id > ${after}`}
  order by r.id limit ${limit}`

/**
 * In the order in which `holdSearchHeads` takes them, so that nobody deadlocks. To be committed at once: nobody can skip a head
 * that is not committed.
 */
export const addSearchHeads = (sql: Sql, roomIds: readonly RoomId[]) => sql`
  insert into search_heads (room_id, seq)
  select id, 0 from unnest(${[...roomIds]}::uuid[]) as id order by id on conflict (room_id) do nothing`

/** Leaves out those that others hold, who index them or change a message. */
export const lockFreeSearchHeads = (tx: Transaction, roomIds: readonly RoomId[]) => tx<{ room_id: RoomId }[]>`
  select room_id from search_heads where room_id = any(${[...roomIds]}::uuid[]) for no key update skip locked`

/**
 * Indexes the next `width` seqs of rooms whose search heads the transaction holds. It has to be a statement of its own: what it
 * sees began after the locks were held. It takes so many seqs, not so many messages, because a limit makes the planner sort
 * all that is to be done, for each part of it. The answer leaves out rooms in which there was nothing to do.
 */
export const indexMessages = (tx: Transaction, roomIds: readonly RoomId[], width: number) => tx<
  { room_id: RoomId; missing: number }[]
>`
  with target as materialized (
    select h.room_id, h.seq as after, least(h.seq + ${width}::bigint, r.messages_head) as up_to, r.messages_head
    from search_heads h join rooms r on r.id = h.room_id
    where h.room_id = any(${[...roomIds]}::uuid[])
  ),
  indexed as (
    insert into message_words (room_id, seq, words)
    select m.* from target t cross join lateral (
      select m.room_id, m.seq, words_of(m.room_id, m.text) from messages m
      where m.room_id = t.room_id and m.seq > t.after and m.seq <= t.up_to and m.deleted_at_ms is null offset 0
    ) as m
  )
  update search_heads h set seq = t.up_to from target t where h.room_id = t.room_id and t.up_to > t.after
  returning h.room_id, t.messages_head - t.up_to as missing`
