import type { EndedLogin, LoginEndReason } from '../../core/domain/account.js'
import { isId, type RoomId } from '../../core/domain/ids.js'
import type { RoomHeads } from '../../core/domain/room.js'
import type { SweepPort } from '../../core/ports/sweep-port.js'
import type { Database } from './database.js'
import { type HeadsRow, toHeads } from './room-rows.js'

type HeadRow = HeadsRow & { readonly room_id: string }
type EndedRow = {
  readonly room_id: null
  readonly login_id: string
  readonly user_id: string
  readonly reason: LoginEndReason
  readonly ended_at_ms: number
}

/** One statement for the heads of rooms and the logins that ended. */
export class PostgresSweep implements SweepPort {
  constructor(private readonly database: Database) {}

  async sweep(roomIds: readonly RoomId[], endedSinceMs: number) {
    const rows = await this.database.call(
      'SweepPort',
      (sql) => sql<(HeadRow | EndedRow)[]>`
        select id as room_id, head, messages_head, threads_head, members_head,
          null::uuid as login_id, null::uuid as user_id, null as reason, null::bigint as ended_at_ms
        from rooms where id = any(${roomIds.filter(isId)}::uuid[])
        union all
        select null, null, null, null, null, id, user_id, end_reason, ended_at_ms
        from logins where ended_at_ms > ${endedSinceMs}`,
    )
    const heads = new Map<RoomId, RoomHeads>()
    const ended: EndedLogin[] = []
    for (const row of rows) {
      if (row.room_id !== null) heads.set(row.room_id, toHeads(row))
      else ended.push(toEnded(row))
    }
    return { heads, ended }
  }
}

const toEnded = (row: EndedRow): EndedLogin => ({
  loginId: row.login_id,
  userId: row.user_id,
  reason: row.reason,
  endedAtMs: row.ended_at_ms,
})
