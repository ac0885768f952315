import type { RoomId } from '../../core/domain/ids.js'
import type { Message } from '../../core/domain/message.js'
import type { Role } from '../../core/domain/role.js'
import type { Member } from '../../core/domain/room.js'
import type { RoomEvent, RoomEventType } from '../../core/domain/room-event.js'
import type { EventPage } from '../../core/ports/room-log-port.js'
import type { Sql } from './connection.js'
import { type MessageRow, messageColumns, toMessage } from './message-rows.js'
import { type RoomRow, roomColumns, toRoom } from './room-rows.js'

/** An event with the present state of what it names; the room in each row, and no event in the only row of an empty page. */
type EventRow = RoomRow & {
  /** The number of the read, from one on, that it answers. */
  readonly n: number
  readonly seq: number | null
  readonly type: RoomEventType
  readonly actor_id: string
  readonly at_ms: number
  readonly facts: { readonly userId?: string; readonly role?: Role }
  readonly message: MessageRow | null
  readonly display_name: string | null
  /** Of a present member; of a former one null, but for `read_seq`. */
  readonly role: Role | null
  readonly joined_at_ms: number | null
  readonly read_seq: number | null
}

export type EventRead = { readonly roomId: RoomId; readonly since: number; readonly limit: number }

/** Reads pages of rooms' logs in one statement, so that events and what fills them are of one moment. */
export async function readEvents(
  sql: Sql,
  reads: readonly EventRead[],
): Promise<readonly (EventPage | null)[]> {
  const rows = await sql<EventRow[]>`
    select c.n, ${roomColumns(sql)}, e.*, u.display_name, w.read_seq,
      case when w.left_at_ms is null then w.role end as role,
      case when w.left_at_ms is null then w.joined_at_ms end as joined_at_ms,
      (
        select to_json(named) from (
          select ${messageColumns(sql)} from messages m where m.id = (e.facts->>'messageId')::uuid
        ) as named
      ) as message
    from unnest(
      ${reads.map(({ roomId }) => roomId)}::uuid[], ${reads.map(({ since }) => since)}::int8[],
      ${reads.map(({ limit }) => limit)}::int8[]
    ) with ordinality as c(room_id, since, most, n)
    join rooms r on r.id = c.room_id
    left join lateral (
      select e.seq, e.type, e.actor_id, e.at_ms, e.facts from room_events e
      where e.room_id = r.id and e.seq > c.since order by e.seq limit c.most
    ) as e on true
    left join users u on u.id = (e.facts->>'userId')::uuid
    left join room_members w on w.room_id = r.id and w.user_id = (e.facts->>'userId')::uuid
    order by c.n, e.seq`
  const rowsOf = new Map<number, EventRow[]>()
  for (const row of rows) {
    const own = rowsOf.get(row.n)
    if (own === undefined) rowsOf.set(row.n, [row])
    else own.push(row)
  }
  return reads.map((_read, index) => toPage(rowsOf.get(index + 1) ?? []))
}

function toPage(rows: readonly EventRow[]): EventPage | null {
  const first = rows[0]
  if (first === undefined) return null
  const events = rows.flatMap((row) => (row.seq === null ? [] : [toEvent({ ...row, seq: row.seq })]))
  return { events, headSeq: first.head, hasMore: (events.at(-1)?.seq ?? first.head) < first.head }
}

function toEvent(row: EventRow & { readonly seq: number }): RoomEvent {
  const stamp = { seq: row.seq, atMs: row.at_ms, actorId: row.actor_id }
  switch (row.type) {
    case 'message.sent':
    case 'message.edited':
      return { ...stamp, type: row.type, data: { message: messageOf(row) } }
    case 'message.deleted':
      return { ...stamp, type: row.type, data: { messageId: messageOf(row).id } }
    case 'message.reacted': {
      const { id: messageId, reactions } = messageOf(row)
      return { ...stamp, type: row.type, data: { messageId, reactions } }
    }
    case 'message.flagged': {
      const { id: messageId, flaggedBy } = messageOf(row)
      return { ...stamp, type: row.type, data: { messageId, flaggedBy } }
    }
    case 'member.joined':
      return { ...stamp, type: row.type, data: { member: memberOf(row) } }
    case 'member.left':
      return { ...stamp, type: row.type, data: { userId: memberOf(row).userId } }
    case 'member.changed': {
      const { userId, displayName } = memberOf(row)
      return { ...stamp, type: row.type, data: { userId, role: roleOfThen(row), displayName } }
    }
    case 'room.updated':
      return { ...stamp, type: row.type, data: { room: { ...toRoom(row), headSeq: row.seq } } }
  }
}

function messageOf({ message }: EventRow): Message {
  if (message === null) throw new Error('an event of a message names none')
  return toMessage(message)
}

/** A former member is shown with the role and the time of then. */
const memberOf = (row: EventRow): Member => ({
  userId: row.facts.userId ?? '',
  displayName: row.display_name ?? '',
  role: row.role ?? roleOfThen(row),
  joinedAtMs: row.joined_at_ms ?? row.at_ms,
  readSeq: row.read_seq ?? 0,
})

const roleOfThen = ({ facts }: EventRow): Role => facts.role ?? 'observer'
