import type postgres from 'postgres'
import { isId, type MessageId, type RoomId } from '../../core/domain/ids.js'
import type { Message, MessageVersion } from '../../core/domain/message.js'
import type { Window } from '../../core/domain/page.js'
import type { MessagePage, MessageRepoPort } from '../../core/ports/message-repo-port.js'
import type { Sql } from './connection.js'
import type { Database } from './database.js'
import { type MessageRow, messageColumns, toMessage } from './message-rows.js'

const PORT = 'MessageRepoPort'
const NO_ROOM: MessagePage = { messages: [], hasMore: false, headSeq: 0 }

/** The head of the room in each row, and no message in the only row of an empty page. */
type PageRow = { readonly head: number } & (MessageRow | { readonly id: null })

/** Messages in Postgres; each answer is one statement, so it is of one moment. */
export class PostgresMessageRepo implements MessageRepoPort {
  constructor(private readonly database: Database) {}

  async find(messageId: MessageId): Promise<Message | null> {
    if (!isId(messageId)) return null
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<MessageRow[]>`select ${messageColumns(sql)} from messages m where m.id = ${messageId}`,
    )
    return row === undefined ? null : toMessage(row)
  }

  async page(roomId: RoomId, { before, after, limit }: Window): Promise<MessagePage> {
    if (!isId(roomId)) return NO_ROOM
    const rows = await this.database.call(PORT, (sql) => {
      const isForward = after !== null
      const bound = isForward
        ? sql`and m.seq > ${after}`
        : before === null
          ? sql``
          : sql`and m.seq < ${before}`
      return sql<PageRow[]>`
        select r.head, m.* from rooms r
        left join lateral (
          select ${messageColumns(sql)} from messages m where m.room_id = r.id ${bound}
          order by m.seq ${isForward ? sql`` : sql`desc`} limit ${limit + 1}
        ) as m on true
        where r.id = ${roomId}
        order by m.seq ${isForward ? sql`` : sql`desc`}`
    })
    const page = toPage(rows, limit)
    return after === null ? { ...page, messages: page.messages.toReversed() } : page
  }

  async around(messageId: MessageId, limit: number): Promise<Omit<MessagePage, 'hasMore'> | null> {
    if (!isId(messageId)) return null
    const older = Math.floor(limit / 2)
    const rows = await this.database.call(
      PORT,
      (sql) => sql<PageRow[]>`
        select r.head, m.* from messages t
        join rooms r on r.id = t.room_id
        cross join lateral (
          (
            select ${messageColumns(sql)} from messages m
            where m.room_id = t.room_id and m.seq <= t.seq order by m.seq desc limit ${older + 1}
          ) union all (
            select ${messageColumns(sql)} from messages m
            where m.room_id = t.room_id and m.seq > t.seq order by m.seq limit ${limit - 1 - older}
          )
        ) as m
        where t.id = ${messageId}
        order by m.seq`,
    )
    const { messages, headSeq } = toPage(rows, limit)
    return messages.length === 0 ? null : { messages, headSeq }
  }

  async versions(
    messageId: MessageId,
  ): Promise<{ readonly versions: readonly MessageVersion[]; readonly headSeq: number }> {
    if (!isId(messageId)) return { versions: [], headSeq: 0 }
    type Row = { readonly head: number; readonly text: string | null; readonly at_ms: number }
    const rows = await this.database.call(
      PORT,
      (sql) => sql<Row[]>`
        select r.head, v.text, v.at_ms from messages m
        join rooms r on r.id = m.room_id
        left join lateral (
          select text, at_ms, seq from message_versions where message_id = m.id
          union all
          select m.text, coalesce(m.edited_at_ms, m.created_at_ms), null where m.deleted_at_ms is null
        ) as v on true
        where m.id = ${messageId}
        order by v.seq nulls last`,
    )
    const versions = rows.flatMap(({ text, at_ms: atMs }) => (text === null ? [] : [{ text, atMs }]))
    return { versions, headSeq: rows[0]?.head ?? 0 }
  }

  async search(roomId: RoomId, query: string, beforeSeq: number | null, limit: number): Promise<MessagePage> {
    if (!isId(roomId)) return NO_ROOM
    const below = beforeSeq ?? Number.MAX_SAFE_INTEGER
    // Common words fill a page from the newest messages; the index of words would give all that have them, to be sorted.
    const recent = await this.searched(roomId, limit, (sql) => recentMessages(sql, below, query))
    return recent.hasMore
      ? recent
      : this.searched(roomId, limit, (sql) => messagesByWord(sql, roomId, below, query))
  }

  private async searched(
    roomId: RoomId,
    limit: number,
    candidates: (sql: Sql) => postgres.PendingQuery<postgres.Row[]>,
  ): Promise<MessagePage> {
    const rows = await this.database.call(
      PORT,
      (sql) => sql<PageRow[]>`
        select r.head, m.* from rooms r
        left join lateral (
          select ${messageColumns(sql)} from ${candidates(sql)} order by m.seq desc limit ${limit + 1}
        ) as m on true
        where r.id = ${roomId}
        order by m.seq desc`,
    )
    return toPage(rows, limit)
  }
}

const RECENT = 2_000

const hasWords = (sql: Sql, query: string) =>
  sql`to_tsvector('simple', m.text) @@ plainto_tsquery('simple', ${query})`

/**
 * Of a message whose indexed words fit: whether its text does. They are those of an earlier text where a process has edited
 * it of a version before the index, which does not know that it has to change that with the text.
 */
const stillHasWords = (sql: Sql, query: string) => sql`(m.edited_at_ms is null or ${hasWords(sql, query)})`

/**
 * Those of the newest messages of a `rooms r` that have all words of the query. The words are looked up by a subquery, which
 * stops when the page is full; of a join the planner may make a hash of all words of the room.
 */
const recentMessages = (sql: Sql, below: number, query: string) => sql`(
  select * from messages m where m.room_id = r.id and m.seq < ${below} order by m.seq desc limit ${RECENT}
) as m
where m.deleted_at_ms is null and case when coalesce((
  select w.words from message_words w where w.room_id = m.room_id and w.seq = m.seq
), to_tsvector('simple', m.text)) @@ plainto_tsquery('simple', ${query}) then ${stillHasWords(sql, query)} end`

/**
 * All messages of a `rooms r` that have all words of the query: by the index those up to the search head, and by their texts
 * those above it. The query for the index has the room as a word, and is null where there are no words in it. It is fenced in
 * by `offset 0`, so that nothing but the index of words fits.
 */
const messagesByWord = (sql: Sql, roomId: RoomId, below: number, query: string) => sql`(
  select m.* from messages m
  where m.room_id = r.id and m.seq < ${below} and m.deleted_at_ms is null
    and m.seq > coalesce((select h.seq from search_heads h where h.room_id = r.id), 0)
    and ${hasWords(sql, query)}
  union all
  select m.* from (
    select w.room_id, w.seq from message_words w where w.words @@ (
      select case when numnode(q) > 0 then ('''room ' || ${roomId}::text || '''')::tsquery && q end
      from plainto_tsquery('simple', ${query}) as q
    ) offset 0
  ) as w
  join messages m on m.room_id = w.room_id and m.seq = w.seq
  where w.room_id = r.id and w.seq < ${below} and m.deleted_at_ms is null and ${stillHasWords(sql, query)}
) as m`

/** A page in the order of its rows, of which there is one more than `limit` where there are more. */
function toPage(rows: readonly PageRow[], limit: number): MessagePage {
  const messages = rows.flatMap((row) => (row.id === null ? [] : [toMessage(row)]))
  return {
    messages: messages.slice(0, limit),
    hasMore: messages.length > limit,
    headSeq: rows[0]?.head ?? 0,
  }
}
