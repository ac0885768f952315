import type { EndedLogin, LoginEndReason } from '../../core/domain/account.js'
import { isId, type RoomId } from '../../core/domain/ids.js'
import type { RoomHeads } from '../../core/domain/room.js'
import type { SweepPort } from '../../core/ports/sweep-port.js'
import type { Sql } from './connection.js'
import type { Database } from './database.js'
import type { GatheredCalls } from './gathered-calls.js'
import { gatheredReads } from './gathered-reads.js'
import { type HeadsRow, toHeads } from './room-rows.js'

type HeadRow = HeadsRow & { readonly room_id: string }
type EndedRow = {
  readonly room_id: null
  readonly login_id: string
  readonly user_id: string
  readonly reason: LoginEndReason
  readonly ended_at_ms: number
}

type SweepRead = { readonly beyond: ReadonlyMap<RoomId, number>; readonly endedSinceMs: number }
type Swept = { readonly heads: ReadonlyMap<RoomId, RoomHeads>; readonly ended: readonly EndedLogin[] }

/** One statement for the heads of rooms and the logins that ended, whoever asks in that moment. */
export class PostgresSweep implements SweepPort {
  private readonly reads: GatheredCalls<SweepRead, Swept>

  constructor(database: Database) {
    this.reads = gatheredReads(database, 'SweepPort', sweepTogether)
  }

  sweep(beyond: ReadonlyMap<RoomId, number>, endedSinceMs: number): Promise<Swept> {
    return this.reads.call({ beyond, endedSinceMs })
  }
}

async function sweepTogether(sql: Sql, reads: readonly SweepRead[]): Promise<readonly Swept[]> {
  const asked = lowest(reads)
  const since = Math.min(...reads.map(({ endedSinceMs }) => endedSinceMs))
  const rows = await sql<(HeadRow | EndedRow)[]>`
    select id as room_id, head, messages_head, threads_head, members_head,
      null::uuid as login_id, null::uuid as user_id, null as reason, null::bigint as ended_at_ms
    from unnest(${[...asked.keys()]}::uuid[], ${[...asked.values()]}::bigint[]) as known (id, beyond)
    join rooms using (id) where head > beyond
    union all
    select null, null, null, null, null, id, user_id, end_reason, ended_at_ms
    from logins where ended_at_ms > ${since}`
  const found = new Map<RoomId, RoomHeads>()
  const ended: EndedLogin[] = []
  for (const row of rows) {
    if (row.room_id !== null) found.set(row.room_id, toHeads(row))
    else ended.push(toEnded(row))
  }
  return reads.map(({ beyond, endedSinceMs }) => ({
    heads: headsBeyond(beyond, found),
    ended: ended.filter(({ endedAtMs }) => endedAtMs > endedSinceMs),
  }))
}

function headsBeyond(
  beyond: ReadonlyMap<RoomId, number>,
  found: ReadonlyMap<RoomId, RoomHeads>,
): ReadonlyMap<RoomId, RoomHeads> {
  const heads = new Map<RoomId, RoomHeads>()
  if (found.size === 0) return heads
  for (const [roomId, known] of beyond) {
    const present = found.get(roomId)
    if (present !== undefined && present.head > known) heads.set(roomId, present)
  }
  return heads
}

/** Of what the reads know of a room, the least. */
function lowest(reads: readonly SweepRead[]): ReadonlyMap<RoomId, number> {
  const merged = new Map<RoomId, number>()
  for (const { beyond } of reads)
    for (const [roomId, head] of beyond)
      if (isId(roomId)) merged.set(roomId, Math.min(head, merged.get(roomId) ?? head))
  return merged
}

const toEnded = (row: EndedRow): EndedLogin => ({
  loginId: row.login_id,
  userId: row.user_id,
  reason: row.reason,
  endedAtMs: row.ended_at_ms,
})
