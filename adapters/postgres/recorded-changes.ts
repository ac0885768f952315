import type { UserId } from '../../core/domain/ids.js'
import { PRESENCE_CHANGES_KEPT_MS, type PresenceChanges } from '../../core/ports/presence-port.js'
import type { Sql, Transaction } from './connection.js'

/** By the transaction that changes their state. */
export async function recordChanges(tx: Transaction, userIds: readonly UserId[]): Promise<void> {
  if (userIds.length === 0) return
  // In one order everywhere, so that two transactions cannot wait for each other.
  await tx`
    insert into presence_changes (user_id)
    select distinct user_id from unnest(${[...userIds]}::uuid[]) as given (user_id) order by user_id
    on conflict (user_id) do update set
      changed_by = excluded.changed_by, changed_at = excluded.changed_at`
}

/** A mark is a snapshot: what it does not see has been committed since, however long ago it was begun. */
export async function readChanges(sql: Sql, mark: string | null): Promise<PresenceChanges> {
  const [row] = await sql<{ mark: string; user_ids: readonly UserId[] }[]>`
    select pg_current_snapshot()::text as mark, (
      select coalesce(json_agg(user_id), '[]') from presence_changes
      where changed_by >= pg_snapshot_xmin(${mark}::text::pg_snapshot)
        and not pg_visible_in_snapshot(changed_by, ${mark}::text::pg_snapshot)
    ) as user_ids`
  if (row === undefined) throw new Error('A query without a table answers one row')
  return { userIds: row.user_ids, mark: row.mark }
}

/** Those that another transaction changes just now are left to the next time, as their order is not that of above. */
export const forgetOldChanges = (tx: Transaction): PromiseLike<unknown> =>
  tx`
    delete from presence_changes where user_id in (
      select user_id from presence_changes
      where changed_at < clock_timestamp() - ${PRESENCE_CHANGES_KEPT_MS}::float8 * interval '1 millisecond'
      for update skip locked
    )`.execute()
