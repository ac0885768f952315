import type { SocketId, UserId } from '../../core/domain/ids.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import {
  PRESENCE_LEASE_MS,
  type Presence,
  type PresenceChange,
  type PresenceChanges,
  type PresencePort,
  type PresenceState,
  type UserState,
} from '../../core/ports/presence-port.js'

/** The others are forgotten, as after `PRESENCE_CHANGES_KEPT_MS`. */
const CHANGES_MAX = 10_000

type Sockets = Map<SocketId, { readonly process: ProcessLease; readonly state: 'online' | 'away' }>
type ProcessLease = { expiresAtMs: number }

/** What the simulated processes of one deployment share. */
export class MemoryPresenceHub {
  readonly sockets = new Map<UserId, Sockets>()
  readonly leases = new Set<ProcessLease>()
  readonly lastSeenAtMs = new Map<UserId, number>()
  /** By user, the number of the last change, in that order. */
  readonly changes = new Map<UserId, number>()
  changesMade = 0

  recordChange(userId: UserId): void {
    this.changesMade += 1
    this.changes.delete(userId)
    this.changes.set(userId, this.changesMade)
    const [oldest] = this.changes.keys()
    if (this.changes.size > CHANGES_MAX && oldest !== undefined) this.changes.delete(oldest)
  }

  /** Forgets who is there, as a store kept in memory does when it restarts. When users were last seen survives. */
  forget(): void {
    this.sockets.clear()
    this.leases.clear()
  }
}

function stateIn(sockets: Sockets | undefined): PresenceState {
  const states = [...(sockets?.values() ?? [])].map(({ state }) => state)
  if (states.includes('online')) return 'online'
  return states.length > 0 ? 'away' : 'offline'
}

/** Presence as one process sees and tells it; each instance is one boot of a process. */
export class MemoryPresence implements PresencePort {
  /** Its identity is the boot: a restarted process never takes over what its predecessor left. */
  private lease: ProcessLease
  private readonly own = new Map<SocketId, { readonly userId: UserId; readonly state: 'online' | 'away' }>()
  /** Users who came back with the lease, of whom no one has been told. */
  private readonly untold = new Set<UserId>()

  constructor(
    private readonly clock: ClockPort,
    private readonly hub = new MemoryPresenceHub(),
    private readonly leaseMs = PRESENCE_LEASE_MS,
  ) {
    this.lease = { expiresAtMs: 0 }
  }

  async announce(userId: UserId, socketId: SocketId, state: 'online' | 'away'): Promise<PresenceChange> {
    if (!this.isRegistered()) this.register()
    const before = this.stateOf(userId)
    this.own.set(socketId, { userId, state })
    this.place(userId, socketId, state)
    return this.told(userId, { before, after: this.stateOf(userId) })
  }

  async withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    const before = this.stateOf(userId)
    const shown = stateIn(this.hub.sockets.get(userId))
    if (this.own.get(socketId)?.userId === userId) {
      this.own.delete(socketId)
      this.remove(userId, socketId)
    }
    const after = this.stateOf(userId)
    // What dead processes had may still be shown.
    if (shown !== after) this.hub.recordChange(userId)
    if (before !== 'offline' && after === 'offline') {
      this.remember(userId, this.clock.nowMs())
      // What a dead process left of this user is gone with this answer, so that no one tells it again.
      this.hub.sockets.delete(userId)
    }
    return this.told(userId, { before, after })
  }

  async beat(): Promise<readonly UserState[]> {
    this.renew()
    const users = [...this.untold].map((userId) => ({ userId, state: this.stateOf(userId) }))
    this.untold.clear()
    return users
  }

  async reap(): Promise<readonly UserId[]> {
    this.renew()
    const dead = [...this.hub.leases].filter((lease) => !this.isLive(lease))
    if (dead.length === 0) return []
    const offline: UserId[] = []
    for (const lease of dead) this.hub.leases.delete(lease)
    for (const [userId, sockets] of this.hub.sockets) {
      const shown = stateIn(sockets)
      const left = [...sockets].filter(([, socket]) => !this.hub.leases.has(socket.process))
      for (const [socketId, socket] of left) {
        sockets.delete(socketId)
        this.remember(userId, socket.process.expiresAtMs - this.leaseMs)
      }
      if (stateIn(sockets) !== shown) this.hub.recordChange(userId)
      if (sockets.size > 0) continue
      this.hub.sockets.delete(userId)
      offline.push(userId)
    }
    return offline
  }

  async states(userIds: readonly UserId[]) {
    const presences = userIds.map((userId): Presence => {
      const state = this.stateOf(userId)
      const lastSeenAtMs = state === 'offline' ? this.lastSeen(userId) : null
      return { userId, state, lastSeenAtMs }
    })
    return { presences, partial: false }
  }

  async changes(mark: string | null): Promise<PresenceChanges> {
    const { changes, changesMade } = this.hub
    const from = mark === null ? changesMade : Number(mark)
    const userIds: UserId[] = []
    // Mostly nobody has changed since: then those who changed before are not walked through each time.
    if (changesMade > from) for (const [userId, number] of changes) if (number > from) userIds.push(userId)
    return { userIds, mark: String(changesMade) }
  }

  async leave(): Promise<void> {
    for (const [socketId, { userId }] of [...this.own]) await this.withdraw(userId, socketId)
    this.hub.leases.delete(this.lease)
    this.lease = { expiresAtMs: 0 }
    this.untold.clear()
  }

  private renew(): void {
    if (this.isRegistered()) this.lease.expiresAtMs = this.clock.nowMs() + this.leaseMs
    else this.register()
  }

  private register(): void {
    const before = new Map([...this.own.values()].map(({ userId }) => [userId, this.stateOf(userId)]))
    this.lease.expiresAtMs = this.clock.nowMs() + this.leaseMs
    this.hub.leases.add(this.lease)
    for (const [socketId, { userId, state }] of this.own) this.place(userId, socketId, state)
    for (const [userId, state] of before) {
      if (this.stateOf(userId) === state) continue
      this.untold.add(userId)
      this.hub.recordChange(userId)
    }
  }

  private told(userId: UserId, change: PresenceChange): PresenceChange {
    if (change.before !== change.after) {
      this.untold.delete(userId)
      this.hub.recordChange(userId)
    }
    return change
  }

  private isRegistered(): boolean {
    return this.hub.leases.has(this.lease) && this.isLive(this.lease)
  }

  private isLive(lease: ProcessLease): boolean {
    return lease.expiresAtMs > this.clock.nowMs()
  }

  private stateOf(userId: UserId): PresenceState {
    const sockets = [...(this.hub.sockets.get(userId) ?? [])]
    return stateIn(new Map(sockets.filter(([, { process }]) => this.isLive(process))))
  }

  private place(userId: UserId, socketId: SocketId, state: 'online' | 'away'): void {
    const sockets = this.hub.sockets.get(userId) ?? new Map()
    this.hub.sockets.set(userId, sockets.set(socketId, { process: this.lease, state }))
  }

  private remove(userId: UserId, socketId: SocketId): void {
    const sockets = this.hub.sockets.get(userId)
    sockets?.delete(socketId)
    if (sockets?.size === 0) this.hub.sockets.delete(userId)
  }

  private remember(userId: UserId, atMs: number): void {
    this.hub.lastSeenAtMs.set(userId, Math.max(atMs, this.hub.lastSeenAtMs.get(userId) ?? 0))
  }

  /** A dead process's sockets were there at its last beat, whether or not anyone has taken them away since. */
  private lastSeen(userId: UserId): number | null {
    const left = [...(this.hub.sockets.get(userId)?.values() ?? [])]
    const times = left.map(({ process }) => process.expiresAtMs - this.leaseMs)
    const remembered = this.hub.lastSeenAtMs.get(userId)
    if (remembered !== undefined) times.push(remembered)
    return times.length === 0 ? null : Math.max(...times)
  }
}
