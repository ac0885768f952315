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

/** Reads a page of a room's log in one statement, so that events and what fills them are of one moment. */
export async function readEvents(
  sql: Sql,
  roomId: RoomId,
  since: number,
  limit: number,
): Promise<EventPage | null> {
  const rows = await sql<EventRow[]>`
    select ${roomColumns(sql)}, e.*, u.display_name, w.read_seq,
      case when w.left_at_ms is null then w.role end as role,
      case when w.left_at_ms is null then w.joined_at_ms end as joined_at_ms,
      (
        select to_json(named) from (
          select ${messageColumns(sql)} from messages m where m.id = (e.facts->>'messageId')::uuid
        ) as named
      ) as message
    from rooms r
    left join lateral (
      select e.seq, e.type, e.actor_id, e.at_ms, e.facts from room_events e
      where e.room_id = r.id and e.seq > ${since} order by e.seq limit ${limit}
    ) as e on true
    left join users u on u.id = (e.facts->>'userId')::uuid
    left join room_members w on w.room_id = r.id and w.user_id = (e.facts->>'userId')::uuid
    where r.id = ${roomId}
    order by e.seq`
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
