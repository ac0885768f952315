import type { SocketId, UserId } from '../../core/domain/ids.js'
import type { Transaction } from './connection.js'
import { type SocketState, stateOf, storeSockets, toState } from './presence-changes.js'
import { lockUsers } from './presence-removal.js'
import { recordChanges } from './recorded-changes.js'

export type OwnSocket = {
  readonly userId: UserId
  readonly socketId: SocketId
  readonly state: SocketState
  /** Being announced for the first time: put in place by that alone, so that it can tell of it. */
  readonly isArriving: boolean
}
export type Restoring = {
  /** What was stored did not count until the lease was renewed. */
  readonly hasLapsed: boolean
  /** `changes` names those who stand otherwise by it. */
  readonly isRecorded: boolean
}
type StoredSocket = { readonly user_id: string; readonly away: boolean; readonly is_own: boolean }

/**
 * Makes the stored sockets of a process those that it has; the users whose state changed with that.
 */
export async function restoreSockets(
  tx: Transaction,
  bootId: string,
  own: () => readonly OwnSocket[],
  { hasLapsed, isRecorded }: Restoring,
): Promise<readonly UserId[]> {
  const stored = await tx<{ user_id: string }[]>`
    select distinct user_id from presence_sockets where boot_id = ${bootId}`
  const users = new Set([...own().map(({ userId }) => userId), ...stored.map((row) => row.user_id)])
  if (users.size === 0) return []
  const userIds = [...users]
  const [, rows] = await Promise.all([
    lockUsers(tx, userIds),
    // Of two processes that came back at once, each would find the user there already by the other; so only those count
    // whose lease is older.
    tx<StoredSocket[]>`
      select sockets.user_id, sockets.away, sockets.boot_id = ${bootId} as is_own
      from presence_sockets as sockets
      join process_leases as lease on lease.boot_id = sockets.boot_id and lease.expires_at > clock_timestamp()
      join process_leases as me on me.boot_id = ${bootId}
      where sockets.user_id = any(${userIds}::uuid[])
        and (lease.boot_id = me.boot_id or lease.since < me.since)`.execute(),
  ])
  // Looked up under the lock: whatever comes or goes from here on is stored after this.
  const sockets = own().filter(({ userId }) => users.has(userId))
  const settled = sockets.filter(({ isArriving }) => !isArriving)
  await removeOthers(tx, bootId, userIds, sockets)
  await storeSockets(tx, bootId, settled)
  const others = statesByUser(rows.filter((row) => !row.is_own).map(toSocket))
  const shown = statesByUser(rows.filter((row) => row.is_own).map(toSocket))
  const before: StatesByUser = hasLapsed ? new Map() : shown
  const after = statesByUser(settled)
  const stateWith = (states: StatesByUser, userId: UserId) =>
    stateOf([...(others.get(userId) ?? []), ...(states.get(userId) ?? [])])
  const changedFrom = (states: StatesByUser) =>
    userIds.filter((userId) => stateWith(states, userId) !== stateWith(after, userId))
  const changed = changedFrom(before)
  // Where nobody has reaped this process meanwhile, its users are shown as it had them.
  if (isRecorded) await recordChanges(tx, [...changed, ...changedFrom(shown)])
  return changed
}

type StatesByUser = ReadonlyMap<UserId, readonly SocketState[]>

const toSocket = (row: StoredSocket) => ({ userId: row.user_id, state: toState(row) })

function statesByUser(
  sockets: readonly { readonly userId: UserId; readonly state: SocketState }[],
): StatesByUser {
  const states = new Map<UserId, SocketState[]>()
  for (const { userId, state } of sockets) states.set(userId, [...(states.get(userId) ?? []), state])
  return states
}

async function removeOthers(
  tx: Transaction,
  bootId: string,
  userIds: readonly UserId[],
  sockets: readonly OwnSocket[],
): Promise<void> {
  await tx`
    with gone as (
      delete from presence_sockets
      where boot_id = ${bootId} and user_id = any(${[...userIds]}::uuid[])
        and socket_id <> all(${sockets.map(({ socketId }) => socketId)}::text[])
      returning user_id
    )
    insert into presence_last_seen as seen (user_id, at_ms)
    select distinct user_id, floor(extract(epoch from clock_timestamp()) * 1000)::bigint from gone
    on conflict (user_id) do update set at_ms = greatest(seen.at_ms, excluded.at_ms)`
}
