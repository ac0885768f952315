import { randomUUID } from 'node:crypto'
import { isId, type SocketId, type UserId } from '../../core/domain/ids.js'
import {
  PRESENCE_CHANGES_KEPT_MS,
  PRESENCE_LEASE_MS,
  type PresenceChange,
  type PresenceChanges,
  type PresencePort,
  type UserState,
} from '../../core/ports/presence-port.js'
import { PresenceCommands, USERS_AT_ONCE } from './presence-commands.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'PresencePort'

/** A lease that is lost between renewing and using it, again and again, means that the clock of Redis runs wild. */
const ATTEMPTS = 3
/** What Redis evicted is missed with one of so many beats: three are half of the 60 s in which presence has to converge. */
const BEATS_TO_COMPARE = 3

type SocketState = 'online' | 'away'
type OwnSocket = { readonly userId: UserId; readonly state: SocketState }
/** `hasLapsed`: what was stored did not count for a while. `isRecorded`: `changes` names those who stand otherwise by it. */
type Restoring = { readonly hasLapsed: boolean; readonly isRecorded: boolean }

/**
 * Presence of all processes on one Redis. What a process has put there counts while its lease does; where Redis has lost it, or has taken
 * the process for dead, all of it is put there again with the next beat. Each change of a user is one script, so exactly one process is
 * told of each transition.
 */
export class RedisPresence implements PresencePort {
  /** New with each boot: a restarted process never takes over what its predecessor left. */
  private readonly bootId = randomUUID()
  private readonly redis: PresenceCommands
  private readonly own = new Map<SocketId, OwnSocket>()
  /** Sockets that are being announced for the first time. */
  private readonly arriving = new Set<SocketId>()
  /** Users whose state may have changed without anyone being told of it. */
  private readonly untold = new Set<UserId>()
  /** When the present lease began, as Redis writes it; null where what is stored may be incomplete. */
  private since: string | null = null
  /** When the lease began under which all was restored last. */
  private restoredSince: string | null = null
  /** When it took away what it had here, being elsewhere, in ms of `performance.now()`; null while it is here. */
  private leftAtMs: number | null = null
  private doubts = 0
  private beats = 0
  /** Of the last command that writes. */
  private number = 0
  /** Of the last that Redis is known to have carried out. */
  private confirmed = 0
  private renewal: Promise<void> | null = null

  constructor(
    redis: RedisConnection,
    private readonly leaseMs = PRESENCE_LEASE_MS,
  ) {
    this.redis = new PresenceCommands(redis, PORT, leaseMs)
  }

  announce(userId: UserId, socketId: SocketId, state: SocketState): Promise<PresenceChange> {
    const before = this.own.get(socketId)?.state ?? ''
    this.own.set(socketId, { userId, state })
    if (before === '') this.arriving.add(socketId)
    return this.change(userId, socketId, before, state)
  }

  withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    const known = this.own.get(socketId)
    const before = known?.userId === userId ? known.state : ''
    if (before !== '') this.own.delete(socketId)
    return this.change(userId, socketId, before, '')
  }

  async beat(): Promise<readonly UserState[]> {
    await this.renew()
    this.leftAtMs = null
    this.beats += 1
    if (this.beats % BEATS_TO_COMPARE === 0) await this.restoreAstray()
    if (this.untold.size === 0) return []
    const { presences, partial } = await this.states([...this.untold])
    const known = presences.filter(({ state }) => !partial || state !== 'offline')
    for (const { userId } of known) this.untold.delete(userId)
    return known.map(({ userId, state }) => ({ userId, state }))
  }

  async reap(): Promise<readonly UserId[]> {
    // Whoever judges others by their leases must have one.
    await this.renew()
    const dead = await this.redis.run('FIND_DEAD', this.bootId, this.leaseMs, PRESENCE_CHANGES_KEPT_MS)
    const offline: UserId[] = []
    for (const bootId of dead) offline.push(...(await this.redis.remove(bootId, false)))
    return [...new Set(offline)]
  }

  states(userIds: readonly UserId[]) {
    return this.redis.states(this.bootId, this.isLeaseDue() ? this.confirmed : 0, userIds)
  }

  async changes(mark: string | null): Promise<PresenceChanges> {
    const [last = '0', ...userIds] = await this.redis.run('CHANGES', mark ?? '')
    return { userIds: userIds.filter(isId), mark: last }
  }

  async leave(): Promise<void> {
    this.own.clear()
    this.untold.clear()
    this.doubt()
    await this.redis.remove(this.bootId, true)
  }

  /**
   * Makes these the sockets of this process here, and no others; no beat tells of it, and without `isRecorded` `changes` neither. What is
   * gone by then is not missed, as all processes bring theirs, unless this one has found all well since it took its own away.
   */
  async bring(sockets: ReadonlyMap<SocketId, OwnSocket>, isRecorded: boolean): Promise<void> {
    while (this.renewal !== null) await this.renewal.catch(() => undefined)
    this.own.clear()
    for (const [socketId, socket] of sockets) this.own.set(socketId, socket)
    this.doubt()
    const startedAtMs = performance.now()
    const mayMiss = sockets.size > 0 && this.leftAtMs !== null && this.isLeaseDue()
    await this.renew({ isRecorded, mayMiss })
    this.leftAtMs = sockets.size === 0 ? startedAtMs : null
    this.untold.clear()
  }

  private async change(
    userId: UserId,
    socketId: SocketId,
    before: SocketState | '',
    after: SocketState | '',
  ): Promise<PresenceChange> {
    try {
      if (this.since === null) await this.renew()
      const change = await this.changeUnderLease(userId, socketId, before, after)
      if (change.before !== change.after) this.untold.delete(userId)
      return change
    } catch (error) {
      // Whether it was carried out or not: the next renewal makes it good.
      this.doubt()
      this.untold.add(userId)
      throw error
    } finally {
      this.arriving.delete(socketId)
    }
  }

  private async changeUnderLease(...change: [UserId, SocketId, SocketState | '', SocketState | '']) {
    for (let left = ATTEMPTS; left > 0; left -= 1) {
      const number = this.nextNumber()
      const [before, after] = await this.redis.run('CHANGE', this.bootId, number, ...change)
      if (before !== undefined && after !== undefined) {
        this.confirm(number)
        return { before, after } as PresenceChange
      }
      await this.renew()
    }
    throw new Error('The lease of this process runs out as soon as it is renewed')
  }

  /** Renews the lease, and restores what was lost with it. */
  private renew(how = { isRecorded: true, mayMiss: true }): Promise<void> {
    this.renewal ??= this.renewOnce(how).finally(() => {
      this.renewal = null
    })
    return this.renewal
  }

  private async renewOnce({ isRecorded, mayMiss }: { isRecorded: boolean; mayMiss: boolean }): Promise<void> {
    const { since, isWhole } = await this.renewLease(mayMiss)
    if (since === this.since && isWhole) return
    this.since = null
    const { doubts } = this
    const users = await this.knownUsers()
    await this.restore(users, { hasLapsed: since !== this.restoredSince, isRecorded })
    this.restoredSince = since
    if (this.doubts === doubts) this.since = since
  }

  /** `isWhole`: Redis has carried out what was sent before, and has not gone back to a snapshot since. */
  private async renewLease(mayMiss: boolean): Promise<{ readonly since: string; readonly isWhole: boolean }> {
    for (let left = ATTEMPTS; left > 0; left -= 1) {
      const number = this.nextNumber()
      const confirmed = mayMiss ? this.confirmed : 0
      const [since, before] = await this.redis.run('RENEW', this.bootId, number, this.leaseMs, confirmed)
      if (since === undefined) continue
      this.confirm(number)
      return { since, isWhole: before === String(number - 1) }
    }
    throw new Error('The commands of this process overtake each other again and again')
  }

  private nextNumber(): number {
    this.number += 1
    return this.number
  }

  private confirm(number: number): void {
    this.confirmed = Math.max(this.confirmed, number)
  }

  /** Whether its lease is there unless Redis has lost it: a process that is elsewhere does not renew it. */
  private isLeaseDue(): boolean {
    return this.leftAtMs === null || performance.now() < this.leftAtMs + this.leaseMs / 2
  }

  private doubt(): void {
    this.since = null
    this.doubts += 1
  }

  /** Those who have sockets here, and those of whom any are stored. */
  private async knownUsers(): Promise<readonly UserId[]> {
    const stored = await this.redis.run('STORED_USERS', this.bootId)
    return [...new Set([...[...this.own.values()].map(({ userId }) => userId), ...stored])]
  }

  /** Redis may evict the sockets of a user and keep the lease under which they counted. */
  private async restoreAstray(): Promise<void> {
    const users = await this.knownUsers()
    for (let from = 0; from < users.length; from += USERS_AT_ONCE) {
      const asked = users.slice(from, from + USERS_AT_ONCE)
      const bySocket = socketsByUser(this.own)
      const counts = asked.flatMap((userId) => [userId, bySocket.get(userId)?.length ?? 0])
      const astray = await this.redis.run('FIND_ASTRAY', this.bootId, ...counts)
      await this.restore(astray, { hasLapsed: false, isRecorded: true })
    }
  }

  private async restore(users: readonly UserId[], how: Restoring): Promise<void> {
    for (let from = 0; from < users.length; from += USERS_AT_ONCE) {
      // Looked up as the command is sent: whatever comes or goes from here on is sent after it.
      const asked = users.slice(from, from + USERS_AT_ONCE)
      const bySocket = socketsByUser(this.own)
      const changed = await Promise.all(
        asked.map((userId) => this.restoreUser(userId, how, bySocket.get(userId) ?? [])),
      )
      asked.forEach((userId, index) => {
        if (changed[index]) this.untold.add(userId)
      })
    }
  }

  private async restoreUser(
    userId: UserId,
    { hasLapsed, isRecorded }: Restoring,
    sockets: readonly (readonly [SocketId, SocketState])[],
  ): Promise<boolean> {
    const arriving = sockets.filter(([socketId]) => this.arriving.has(socketId))
    const settled = sockets.filter(([socketId]) => !this.arriving.has(socketId))
    const flags = [hasLapsed, isRecorded].map((flag) => (flag ? '1' : '0'))
    const changed = await this.redis.answerOf(
      'RESTORE',
      this.bootId,
      this.nextNumber(),
      ...flags,
      userId,
      settled.length,
      ...settled.flat(),
      ...arriving.map(([socketId]) => socketId),
    )
    // It came late, and did nothing.
    if (changed === null) this.doubt()
    return changed === 1
  }
}

function socketsByUser(own: ReadonlyMap<SocketId, OwnSocket>) {
  const byUser = new Map<UserId, [SocketId, SocketState][]>()
  for (const [socketId, { userId, state }] of own) {
    const sockets = byUser.get(userId)
    if (sockets === undefined) byUser.set(userId, [[socketId, state]])
    else sockets.push([socketId, state])
  }
  return byUser
}
