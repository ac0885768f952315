import type { UserId } from '../../core/domain/ids.js'
import type { Transaction } from './connection.js'
import { recordChanges } from './recorded-changes.js'

export type RemovedLease = { readonly boot_id: string; readonly last_seen_ms: number }

/** First key of the advisory locks under which the sockets of users change. */
const USER_LOCKS = 7_310_002

/** Users share locks: one each, taken for all users of a dead process, would fill the lock table of the server. */
const USER_LOCK_COUNT = 512

/** Locks users until the end of the transaction, in one order everywhere. */
export const lockUsers = (tx: Transaction, userIds: readonly UserId[]): PromiseLike<unknown> =>
  tx`
    select pg_advisory_xact_lock(${USER_LOCKS}::int, slot)
    from (
      select distinct hashtext(user_id::text) & ${USER_LOCK_COUNT - 1}::int as slot
      from unnest(${[...userIds]}::uuid[]) as given (user_id)
      order by slot
    ) as slots`.execute()

/** Removes all that belonged to leases which this transaction has deleted; the users who are offline by that. */
export async function removeLeases(
  tx: Transaction,
  leases: readonly RemovedLease[],
): Promise<readonly UserId[]> {
  if (leases.length === 0) return []
  const bootIds = leases.map((lease) => lease.boot_id)
  const lastSeenMs = leases.map((lease) => lease.last_seen_ms)
  await tx`delete from live_sessions where boot_id = any(${bootIds}::uuid[])`
  const affected = await tx<{ user_id: string }[]>`
    select distinct user_id from presence_sockets where boot_id = any(${bootIds}::uuid[])`
  await lockUsers(
    tx,
    affected.map((row) => row.user_id),
  )
  await recordChanges(tx, await changedWithout(tx, bootIds))
  const offline = await tx<{ user_id: string }[]>`
    with gone as (
      delete from presence_sockets as sockets
      using unnest(${bootIds}::uuid[], ${lastSeenMs}::bigint[]) as dead (boot_id, last_seen_ms)
      where sockets.boot_id = dead.boot_id
      returning sockets.user_id, dead.last_seen_ms
    )
    insert into presence_last_seen as seen (user_id, at_ms)
    select user_id, max(last_seen_ms) from gone
    where not exists (
      select from presence_sockets as others
      join process_leases as lease on lease.boot_id = others.boot_id and lease.expires_at > clock_timestamp()
      where others.user_id = gone.user_id and others.boot_id <> all(${bootIds}::uuid[])
    )
    group by user_id
    on conflict (user_id) do update set at_ms = greatest(seen.at_ms, excluded.at_ms)
    returning user_id`
  return offline.map((row) => row.user_id)
}

/** Who stands otherwise without the sockets of these processes, which have no lease any more. */
async function changedWithout(tx: Transaction, bootIds: readonly string[]): Promise<readonly UserId[]> {
  const rows = await tx<{ user_id: string }[]>`
    select dead.user_id
    from presence_sockets as dead
    left join (
      presence_sockets as others
      join process_leases as lease on lease.boot_id = others.boot_id and lease.expires_at > clock_timestamp()
    ) on others.user_id = dead.user_id and others.boot_id <> all(${[...bootIds]}::uuid[])
    where dead.boot_id = any(${[...bootIds]}::uuid[])
    group by dead.user_id
    having count(others.user_id) = 0
      or (bool_or(not dead.away) and not bool_or(not others.away))`
  return rows.map((row) => row.user_id)
}
