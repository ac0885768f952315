import type { SocketId, UserId } from '../../core/domain/ids.js'
import type {
  Presence,
  PresenceChange,
  PresenceChanges,
  PresencePort,
  UserState,
} from '../../core/ports/presence-port.js'
import type { Database } from './database.js'
import { GatheredCalls } from './gathered-calls.js'
import {
  changeSockets,
  rememberLastSeen,
  type SeenUser,
  type SocketChange,
  type SocketState,
} from './presence-changes.js'
import { type RemovedLease, removeLeases } from './presence-removal.js'
import { type Restoring, restoreSockets } from './presence-restoring.js'
import { ProcessLease } from './process-lease.js'
import { forgetOldChanges, readChanges } from './recorded-changes.js'

const PORT = 'PresencePort'

/** A lease lost between renewing and using it, again and again, means that the clock of the database runs wild. */
const ATTEMPTS = 3

type OwnSocket = { readonly userId: UserId; readonly state: SocketState }
/** Where a process has its sockets, as the others see it: in another store; here; or here, though it could go there. */
type Place = 'elsewhere' | 'here' | 'ready'

/**
 * Presence of all processes: one row a socket, which counts while the lease of its process does. Changes that arrive together
 * are made by one transaction, with their users locked, so that exactly one process is told of each transition.
 */
export class PostgresPresence implements PresencePort {
  private readonly own = new Map<SocketId, OwnSocket>()
  /** Sockets that are being announced for the first time. */
  private readonly arriving = new Set<SocketId>()
  private readonly gathered: GatheredCalls<SocketChange, PresenceChange>
  private readonly seen: GatheredCalls<SeenUser, undefined>
  /** Users whose state may have changed without anyone being told of it. */
  private readonly untold = new Set<UserId>()

  constructor(
    private readonly database: Database,
    private readonly lease = ProcessLease.of(database),
  ) {
    lease.onLost((hasLapsed) => this.restoreAndTell(hasLapsed))
    const gathering = {
      port: PORT,
      maxBatch: 200,
      maxWaiting: 50_000,
      deadlineMs: database.queryDeadlineMs,
    }
    this.gathered = new GatheredCalls((batch) => this.change(batch), {
      ...gathering,
      keyOf: ({ userId }) => userId,
    })
    this.seen = new GatheredCalls((batch) => this.rememberTogether(batch), {
      ...gathering,
      keyOf: ({ userId }) => userId,
      mayShare: () => true,
    })
  }

  announce(userId: UserId, socketId: SocketId, state: SocketState): Promise<PresenceChange> {
    const before = this.own.get(socketId)?.state ?? null
    this.own.set(socketId, { userId, state })
    if (before === null) this.arriving.add(socketId)
    return this.make({ userId, socketId, before, after: state })
  }

  withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    const known = this.own.get(socketId)
    const before = known?.userId === userId ? known.state : null
    if (before !== null) this.own.delete(socketId)
    return this.make({ userId, socketId, before, after: null })
  }

  async beat(): Promise<readonly UserState[]> {
    await this.lease.renew()
    if (this.untold.size === 0) return []
    const { presences } = await this.states([...this.untold])
    for (const { userId } of presences) this.untold.delete(userId)
    return presences.map(({ userId, state }) => ({ userId, state }))
  }

  async reap(): Promise<readonly UserId[]> {
    // Whoever judges others by their leases must have one.
    await this.lease.renew()
    const { bootId, leaseMs } = this.lease
    return this.database.transaction(PORT, async (tx) => {
      // What ran out before this process's own lease began (a restart, or an outage in which all leases ran out) is left
      // alone for half a lease more, in which others may still renew.
      const dead = await tx<RemovedLease[]>`
        delete from process_leases as dead using process_leases as me
        where me.boot_id = ${bootId} and dead.boot_id <> me.boot_id and dead.expires_at <= clock_timestamp()
          and (
            dead.expires_at >= me.since
            or me.since <= clock_timestamp() - ${leaseMs / 2}::float8 * interval '1 millisecond'
          )
        returning dead.boot_id,
          floor(extract(epoch from dead.expires_at) * 1000 - ${leaseMs})::bigint as last_seen_ms`
      const gone = await removeLeases(tx, dead)
      await forgetOldChanges(tx)
      return gone
    })
  }

  changes(mark: string | null): Promise<PresenceChanges> {
    return this.database.call(PORT, (sql) => readChanges(sql, mark))
  }

  async states(userIds: readonly UserId[]) {
    type Row = { user_id: string; online: number; away: number; last_seen_ms: number | null }
    const rows = await this.database.call(
      PORT,
      (sql) => sql<Row[]>`
        select asked.user_id,
          count(*) filter (where lease.expires_at > clock_timestamp() and not sockets.away)::int as online,
          count(*) filter (where lease.expires_at > clock_timestamp() and sockets.away)::int as away,
          greatest(
            seen.at_ms, max(floor(extract(epoch from lease.expires_at) * 1000 - ${this.lease.leaseMs})::bigint)
          ) as last_seen_ms
        from unnest(${[...userIds]}::uuid[]) with ordinality as asked (user_id, place)
        left join presence_sockets as sockets on sockets.user_id = asked.user_id
        left join process_leases as lease on lease.boot_id = sockets.boot_id
        left join presence_last_seen as seen on seen.user_id = asked.user_id
        group by asked.place, asked.user_id, seen.at_ms
        order by asked.place`,
    )
    const presences = rows.map((row): Presence => {
      const state = row.online > 0 ? 'online' : row.away > 0 ? 'away' : 'offline'
      return { userId: row.user_id, state, lastSeenAtMs: state === 'offline' ? row.last_seen_ms : null }
    })
    return { presences, partial: false }
  }

  async leave(): Promise<void> {
    this.own.clear()
    this.untold.clear()
    this.lease.doubt()
    await this.database.transaction(PORT, async (tx) => {
      const left = await tx<RemovedLease[]>`
        delete from process_leases where boot_id = ${this.lease.bootId}
        returning boot_id, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as last_seen_ms`
      await removeLeases(tx, left)
    })
  }

  /** Makes these the sockets of this process here, and no others; no beat tells of it, and without `isRecorded` `changes` neither. */
  async bring(sockets: ReadonlyMap<SocketId, OwnSocket>, isRecorded: boolean): Promise<void> {
    this.own.clear()
    for (const [socketId, socket] of sockets) this.own.set(socketId, socket)
    try {
      await this.lease.renew()
      await this.restore({ hasLapsed: false, isRecorded })
    } catch (error) {
      this.lease.doubt()
      throw error
    } finally {
      this.untold.clear()
    }
  }

  /** Tells the other processes where this one has its sockets. Where that fails, the next beat makes it good. */
  tellPlace(place: Place): Promise<void> {
    return this.lease.tell(place === 'here' ? null : place)
  }

  /** Where the other processes that live have theirs. */
  async placesOfPeers(): Promise<ReadonlySet<Place>> {
    const rows = await this.database.call(
      PORT,
      (sql) => sql<{ place: Place }[]>`
        select distinct coalesce(place, 'here') as place from process_leases
        where boot_id <> ${this.lease.bootId} and expires_at > clock_timestamp()`,
    )
    return new Set(rows.map(({ place }) => place))
  }

  /** Keeps when users were there last, who had their sockets elsewhere. */
  async remember(users: readonly SeenUser[]): Promise<void> {
    await Promise.all(users.map((user) => this.seen.call(user)))
  }

  private async rememberTogether(users: readonly SeenUser[]): Promise<readonly undefined[]> {
    await this.database.transaction(PORT, (tx) => rememberLastSeen(tx, users))
    return users.map(() => undefined)
  }

  private async make(change: SocketChange): Promise<PresenceChange> {
    try {
      const made = await this.gathered.call(change)
      if (made.before !== made.after) this.untold.delete(change.userId)
      return made
    } catch (error) {
      this.lease.doubt()
      this.untold.add(change.userId)
      throw error
    } finally {
      this.arriving.delete(change.socketId)
    }
  }

  private async change(batch: readonly SocketChange[]): Promise<readonly PresenceChange[]> {
    await this.lease.ensure()
    for (let left = ATTEMPTS; left > 0; left -= 1) {
      const changes = await this.database.transaction(PORT, (tx) =>
        changeSockets(tx, this.lease.bootId, batch),
      )
      if (changes !== null) return changes
      await this.lease.renew()
    }
    throw new Error('The lease of this process runs out as soon as it is renewed')
  }

  private async restoreAndTell(hasLapsed: boolean): Promise<void> {
    for (const userId of await this.restore({ hasLapsed, isRecorded: true })) this.untold.add(userId)
  }

  private restore(how: Restoring): Promise<readonly UserId[]> {
    const own = () =>
      [...this.own].map(([socketId, socket]) => ({
        ...socket,
        socketId,
        isArriving: this.arriving.has(socketId),
      }))
    return this.database.transaction(PORT, (tx) => restoreSockets(tx, this.lease.bootId, own, how))
  }
}
