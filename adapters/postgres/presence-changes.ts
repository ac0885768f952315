import type { SocketId, UserId } from '../../core/domain/ids.js'
import type { PresenceChange, PresenceState } from '../../core/ports/presence-port.js'
import type { Transaction } from './connection.js'
import { lockUsers } from './presence-removal.js'
import { recordChanges } from './recorded-changes.js'

export type SocketState = 'online' | 'away'

/** A socket of this process that comes (`after` is its state) or goes; `before` is what this process knew of it. */
export type SocketChange = {
  readonly userId: UserId
  readonly socketId: SocketId
  readonly before: SocketState | null
  readonly after: SocketState | null
}

type SocketRow = {
  readonly user_id: string
  readonly socket_id: string
  readonly boot_id: string
  readonly away: boolean
}

/**
 * Makes changes of different users, and tells how each user stood before and stands after. Null, and nothing done, where the
 * process has no lease: then its own sockets may be missing, too.
 */
export async function changeSockets(
  tx: Transaction,
  bootId: string,
  batch: readonly SocketChange[],
): Promise<readonly PresenceChange[] | null> {
  const userIds = batch.map(({ userId }) => userId)
  // Under way together and in this order: each statement sees what was committed before it began, so the rows are those
  // under the lock.
  const [, leases, forgotten, rows] = await Promise.all([
    lockUsers(tx, userIds),
    tx`select from process_leases where boot_id = ${bootId} and expires_at > clock_timestamp()`.execute(),
    // Told as gone from now on, so that whoever reaps them does not tell it again.
    tx<Pick<SocketRow, 'user_id' | 'away'>[]>`
      delete from presence_sockets as sockets
      where user_id = any(${userIds}::uuid[]) and boot_id <> ${bootId} and not exists (
        select from process_leases as lease
        where lease.boot_id = sockets.boot_id and lease.expires_at > clock_timestamp()
      )
      returning user_id, away`.execute(),
    tx<SocketRow[]>`
      select user_id, socket_id, boot_id, away from presence_sockets
      where user_id = any(${userIds}::uuid[])`.execute(),
  ])
  if (leases.length === 0) return null
  const changes = batch.map((change) => toChange(change, bootId, rows))
  const gone = batch.filter(({ after }) => after === null)
  const changed = batch.filter(({ userId }, index) => {
    const { before, after } = changes[index] ?? {}
    // What a dead process left may still be shown.
    const left = forgotten.filter((row) => row.user_id === userId).map(toState)
    return before !== after || (after !== 'online' && left.some((state) => state !== after))
  })
  const wentOffline = batch.filter((_, index) => {
    const change = changes[index]
    return change?.before !== 'offline' && change?.after === 'offline'
  })
  await Promise.all([
    storeSockets(
      tx,
      bootId,
      batch.flatMap(({ userId, socketId, after }) =>
        after === null ? [] : [{ userId, socketId, state: after }],
      ),
    ),
    remove(tx, bootId, gone),
    recordChanges(
      tx,
      changed.map(({ userId }) => userId),
    ),
    rememberLastSeen(
      tx,
      wentOffline.map(({ userId }) => ({ userId, atMs: null })),
    ),
  ])
  return changes
}

function toChange(change: SocketChange, bootId: string, rows: readonly SocketRow[]): PresenceChange {
  const own = rows.filter(({ user_id }) => user_id === change.userId)
  const isThis = (row: SocketRow) => row.socket_id === change.socketId && row.boot_id === bootId
  const others = own.filter((row) => !isThis(row)).map(toState)
  // An earlier attempt to withdraw it may have failed after this process forgot it. One to announce it may have been
  // carried out, and told nobody.
  const stored = change.after === null ? own.filter(isThis).map(toState) : []
  const before = change.before === null ? stored : [change.before]
  return {
    before: stateOf([...others, ...before]),
    after: stateOf(change.after === null ? others : [...others, change.after]),
  }
}

export const toState = (row: { readonly away: boolean }): SocketState => (row.away ? 'away' : 'online')

export function stateOf(sockets: readonly SocketState[]): PresenceState {
  if (sockets.includes('online')) return 'online'
  return sockets.includes('away') ? 'away' : 'offline'
}

/** Puts sockets of the process in place, in the state that each has. */
export async function storeSockets(
  tx: Transaction,
  bootId: string,
  sockets: readonly { readonly userId: UserId; readonly socketId: SocketId; readonly state: SocketState }[],
): Promise<void> {
  if (sockets.length === 0) return
  await tx`
    insert into presence_sockets (user_id, socket_id, boot_id, away)
    select user_id, socket_id, ${bootId}, state = 'away'
    from unnest(
      ${sockets.map(({ userId }) => userId)}::uuid[],
      ${sockets.map(({ socketId }) => socketId)}::text[],
      ${sockets.map(({ state }) => state)}::text[]
    ) as given (user_id, socket_id, state)
    on conflict (user_id, socket_id) do update set boot_id = excluded.boot_id, away = excluded.away`
}

async function remove(tx: Transaction, bootId: string, batch: readonly SocketChange[]): Promise<void> {
  if (batch.length === 0) return
  await tx`
    delete from presence_sockets using unnest(
      ${batch.map(({ userId }) => userId)}::uuid[],
      ${batch.map(({ socketId }) => socketId)}::text[]
    ) as given (user_id, socket_id)
    where presence_sockets.user_id = given.user_id and presence_sockets.socket_id = given.socket_id
      and presence_sockets.boot_id = ${bootId}`
}

/** When a user was there last, ms since the Unix epoch; null: now. */
export type SeenUser = { readonly userId: UserId; readonly atMs: number | null }

export async function rememberLastSeen(tx: Transaction, users: readonly SeenUser[]): Promise<void> {
  if (users.length === 0) return
  // The only rows of presence that are worth a disk, and not worth waiting for it.
  await tx`set local synchronous_commit = off`
  // In one order everywhere, so that two transactions cannot wait for each other.
  await tx`
    insert into presence_last_seen as seen (user_id, at_ms)
    select user_id, max(coalesce(at_ms, floor(extract(epoch from clock_timestamp()) * 1000)::bigint))
    from unnest(
      ${users.map(({ userId }) => userId)}::uuid[],
      ${users.map(({ atMs }) => atMs)}::bigint[]
    ) as given (user_id, at_ms)
    group by user_id order by user_id
    on conflict (user_id) do update set at_ms = greatest(seen.at_ms, excluded.at_ms)`
}
