import type { Sql } from './connection.js'

/**
 * Others' messages above the read marker of a `room_members m`, tombstones left out: all messages above it, less the
 * member's own, less the tombstones of others. A few looks into indexes, however many messages there are; only tombstones are
 * counted one by one.
 */
export const unreadCount = (sql: Sql) => sql`(
  ${ordinal(sql, 'newest')} - ${ordinal(sql, 'read')}
  - (${senderOrdinal(sql, 'newest')} - ${senderOrdinal(sql, 'read')})
  - (
    select count(*) from messages u
    where u.room_id = m.room_id and u.seq > m.read_seq and u.sender_id <> m.user_id and u.deleted_at_ms is not null
  )
)`

type Place = 'newest' | 'read'

const upTo = (sql: Sql, place: Place) => (place === 'newest' ? sql`` : sql`and u.seq <= m.read_seq`)

const ordinal = (sql: Sql, place: Place) => sql`coalesce((
  select u.ordinal from messages u where u.room_id = m.room_id ${upTo(sql, place)} order by u.seq desc limit 1
), 0)`

const senderOrdinal = (sql: Sql, place: Place) =>
  place === 'newest'
    ? sql`sender_ordinal_at(m.room_id, m.user_id)`
    : sql`sender_ordinal_at(m.room_id, m.user_id, m.read_seq)`
