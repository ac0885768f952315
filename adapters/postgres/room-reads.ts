import type { RoomId, UserId } from '../../core/domain/ids.js'
import type { Role } from '../../core/domain/role.js'
import type { RoomSnapshot } from '../../core/domain/room-event.js'
import type { RoomAccess } from '../../core/ports/room-repo-port.js'
import type { Sql } from './connection.js'
import { type MessageRow, messageColumns, toMessage } from './message-rows.js'
import { type MemberRow, type RoomRow, roomColumns, toHeads, toMember, toRoom } from './room-rows.js'

export type MarkerRow = { readonly role: Role; readonly read_seq: number }

export type AccessRead = { readonly roomId: RoomId; readonly userId: UserId }
export type RoomRead = { readonly roomId: RoomId; readonly messageLimit: number }
/** What a snapshot of a room shows to each of its members. */
export type RoomReading = Omit<RoomSnapshot, 'role'>
export type RoomIdsRead = { readonly userId: UserId; readonly limit: number }

/** The number of the call, from one on, that a row answers. */
type Numbered = { readonly n: number }

/** One answer for each of the calls, null where none of the rows is its own. */
function inOrder<Row extends Numbered, Answer>(
  calls: readonly unknown[],
  rows: readonly Row[],
  toAnswer: (row: Row) => Answer,
): (Answer | null)[] {
  const answers = new Array<Answer | null>(calls.length).fill(null)
  for (const row of rows) answers[row.n - 1] = toAnswer(row)
  return answers
}

const roomIdsOf = (calls: readonly { readonly roomId: RoomId }[]) => calls.map(({ roomId }) => roomId)
const userIdsOf = (calls: readonly { readonly userId: UserId }[]) => calls.map(({ userId }) => userId)

export async function readAccess(
  sql: Sql,
  calls: readonly AccessRead[],
): Promise<readonly (RoomAccess | null)[]> {
  const rows = await sql<(RoomRow & MarkerRow & Numbered)[]>`
    select c.n, ${roomColumns(sql)}, m.role, m.read_seq
    from unnest(${roomIdsOf(calls)}::uuid[], ${userIdsOf(calls)}::uuid[])
      with ordinality as c(room_id, user_id, n)
    join room_members m on m.room_id = c.room_id and m.user_id = c.user_id and m.left_at_ms is null
    join rooms r on r.id = m.room_id`
  return inOrder(calls, rows, (row) => ({
    room: toRoom(row),
    heads: toHeads(row),
    role: row.role,
    readSeq: row.read_seq,
  }))
}

export async function readRooms(
  sql: Sql,
  calls: readonly RoomRead[],
): Promise<readonly (RoomReading | null)[]> {
  type Row = RoomRow & Numbered & { members: MemberRow[]; messages: MessageRow[] | null }
  const rows = await sql<Row[]>`
    select c.n, ${roomColumns(sql)}, ${membersOf(sql)} as members, (
      select json_agg(newest order by newest.seq) from (
        select ${messageColumns(sql)} from messages m
        where m.room_id = r.id order by m.seq desc limit c.messages
      ) as newest
    ) as messages
    from unnest(
      ${roomIdsOf(calls)}::uuid[], ${calls.map(({ messageLimit }) => messageLimit)}::int8[]
    ) with ordinality as c(room_id, messages, n)
    join rooms r on r.id = c.room_id`
  return inOrder(calls, rows, (row) => ({
    room: toRoom(row),
    headSeq: row.head,
    members: row.members.map(toMember),
    messages: (row.messages ?? []).map(toMessage),
  }))
}

export async function readNewestRoomIds(
  sql: Sql,
  calls: readonly RoomIdsRead[],
): Promise<readonly (readonly RoomId[])[]> {
  const rows = await sql<(Numbered & { room_ids: string[] | null })[]>`
    select c.n, (
      select json_agg(newest.room_id order by newest.room_id desc) from (
        select room_id from room_members where user_id = c.user_id and left_at_ms is null
        order by room_id desc limit c.most
      ) as newest
    ) as room_ids
    from unnest(${userIdsOf(calls)}::uuid[], ${calls.map(({ limit }) => limit)}::int8[])
      with ordinality as c(user_id, most, n)`
  return inOrder(calls, rows, (row) => row.room_ids ?? []).map((roomIds) => roomIds ?? [])
}

export async function readRoomIdsOf(
  sql: Sql,
  calls: readonly (readonly UserId[])[],
): Promise<readonly ReadonlyMap<UserId, readonly RoomId[]>[]> {
  const userIds = [...new Set(calls.flat())]
  const rows = await sql<{ user_id: string; room_ids: string[] }[]>`
    select user_id, json_agg(room_id) as room_ids from room_members
    where user_id = any(${userIds}::uuid[]) and left_at_ms is null
    group by user_id`
  const known = new Map(rows.map((row) => [row.user_id, row.room_ids]))
  return calls.map((asked) => new Map(asked.flatMap((userId) => entryOf(known, userId))))
}

function entryOf<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): [Key, Value][] {
  const value = map.get(key)
  return value === undefined ? [] : [[key, value]]
}

/** The members of a `rooms r` as JSON, in order of joining. */
export const membersOf = (sql: Sql) => sql`(
  select coalesce(json_agg(present order by present.joined_seq), '[]') from (
    select w.user_id, u.display_name, w.role, w.joined_at_ms, w.joined_seq, w.read_seq
    from room_members w join users u on u.id = w.user_id
    where w.room_id = r.id and w.left_at_ms is null
  ) as present
)`
