import type { SocketId, UserId } from '../../core/domain/ids.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type {
  PresenceChange,
  PresenceChanges,
  PresencePort,
  UserState,
} from '../../core/ports/presence-port.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

export type FailoverPresenceOptions = {
  /** Away for so long, the primary is left. */
  readonly leaveAfterMs?: number
  /** Up for so long, it is gone back to: one that flaps is not worth the moves. */
  readonly returnAfterMs?: number
  /** How long the other processes may take to do the same. */
  readonly othersMoveMs?: number
}

const DEFAULTS = { leaveAfterMs: 300, returnAfterMs: 2_000, othersMoveMs: 3_000 }
/** Of how many sockets changes are under way at once. */
const SOCKETS_AT_ONCE = 200

type SocketState = 'online' | 'away'
type OwnSocket = { readonly userId: UserId; readonly state: SocketState }
type Side = 'primary' | 'fallback'

/**
 * Presence in one store while it answers, else in another. Whoever moves brings all sockets of this process along, so the two stores never
 * have to agree; until the other processes have moved too, what is said of their users is partial.
 */
export class FailoverPresence implements PresencePort {
  private readonly own = new Map<SocketId, OwnSocket>()
  /** As they were before the calls that are under way, which tell of what these change: null, not there. */
  private readonly changing = new Map<SocketId, OwnSocket | null>()
  /** The sockets that each store was told of, by this process. */
  private readonly told: Readonly<Record<Side, Map<SocketId, UserId>>> = {
    primary: new Map(),
    fallback: new Map(),
  }
  private side: Side
  private moves = 0
  /** Of the present store, from before this process brought its sockets there. */
  private markOfMove: string | null = null
  private movedAtMs = Number.NEGATIVE_INFINITY
  private moving: Promise<void> | null = null
  private decision: ReturnType<typeof setTimeout> | undefined
  /** Calls that the primary failed. */
  private readonly waiting: (() => void)[] = []
  private readonly settings: Required<FailoverPresenceOptions>
  private readonly stopWatching: () => void

  constructor(
    private readonly stores: Readonly<Record<Side, PresencePort>>,
    private readonly health: PrimaryHealth,
    options: FailoverPresenceOptions = {},
  ) {
    this.settings = { ...DEFAULTS, ...options }
    this.side = health.isUp() ? 'primary' : 'fallback'
    this.stopWatching = health.onChange(() => this.onHealth())
  }

  announce(userId: UserId, socketId: SocketId, state: SocketState): Promise<PresenceChange> {
    return this.change(socketId, { userId, state }, (side) => this.announceTo(side, userId, socketId, state))
  }

  withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    const known = this.own.get(socketId)
    const left = known?.userId === userId ? null : (known ?? null)
    return this.change(socketId, left, (side) => this.withdrawFrom(side, userId, socketId))
  }

  async beat(): Promise<readonly UserState[]> {
    // The lease of the fallback is that of this process's sessions as well.
    const kept = this.side === 'primary' ? this.stores.fallback.beat() : null
    const [users] = await Promise.all([this.ask((side) => this.stores[side].beat()), kept])
    return users
  }

  async reap(): Promise<readonly UserId[]> {
    const gone = await this.ask((side) => this.stores[side].reap())
    if (this.side === 'fallback') return gone
    // Those of processes that have died while they were there.
    const left = (await this.stores.fallback.reap()).filter((userId) => !gone.includes(userId))
    const { presences } = await this.states(left)
    return [...gone, ...presences.flatMap(({ userId, state }) => (state === 'offline' ? [userId] : []))]
  }

  async states(userIds: readonly UserId[]) {
    const { presences, partial } = await this.ask((side) => this.stores[side].states(userIds))
    const isSettled = performance.now() - this.movedAtMs > this.settings.othersMoveMs
    return { presences, partial: partial || !isSettled }
  }

  /** A mark holds for one stay in one store; from another one on, all that changed since this process came is named. */
  changes(mark: string | null): Promise<PresenceChanges> {
    return this.ask(async (side) => {
      const stay = `${side} ${this.moves} `
      const from = mark === null ? null : mark.startsWith(stay) ? mark.slice(stay.length) : this.markOfMove
      const changes = await this.stores[side].changes(from)
      return { userIds: changes.userIds, mark: `${stay}${changes.mark}` }
    })
  }

  async leave(): Promise<void> {
    this.stopWatching()
    clearTimeout(this.decision)
    await this.moving
    this.own.clear()
    const outcomes = await Promise.allSettled([this.stores.fallback.leave(), this.stores.primary.leave()])
    const [fallback, primary] = outcomes
    // The primary forgets whoever does not beat.
    if (fallback.status === 'rejected') throw fallback.reason
    if (primary.status === 'rejected' && !(primary.reason instanceof PortUnavailable)) throw primary.reason
  }

  state(): FailoverState {
    return { ...stateOf('PresencePort', this.health), state: this.side, switches: this.moves }
  }

  private async change(
    socketId: SocketId,
    after: OwnSocket | null,
    make: (side: Side) => Promise<PresenceChange>,
  ): Promise<PresenceChange> {
    if (!this.changing.has(socketId)) this.changing.set(socketId, this.own.get(socketId) ?? null)
    if (after === null) this.own.delete(socketId)
    else this.own.set(socketId, after)
    try {
      return await this.ask(make)
    } finally {
      this.changing.delete(socketId)
    }
  }

  /** What another store has to be told of before it can tell of changes. */
  private settled(): readonly (readonly [SocketId, OwnSocket])[] {
    const sockets = new Map(this.own)
    for (const [socketId, before] of this.changing)
      if (before === null) sockets.delete(socketId)
      else sockets.set(socketId, before)
    return [...sockets]
  }

  private async ask<T>(work: (side: Side) => Promise<T>): Promise<T> {
    await this.moving
    if (this.side === 'fallback') return work('fallback')
    try {
      return await work('primary')
    } catch (error) {
      if (!(error instanceof PortUnavailable)) throw error
    }
    await this.untilUsable()
    return work(this.side)
  }

  /** Until the primary is up again, or has been left. */
  private async untilUsable(): Promise<void> {
    if (this.side === 'primary' && !this.health.isUp())
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    await this.moving
  }

  private onHealth(): void {
    clearTimeout(this.decision)
    const to: Side = this.health.isUp() ? 'primary' : 'fallback'
    if (to === 'primary') this.wake()
    if (to === this.side && this.moving === null) return
    const afterMs = to === 'primary' ? this.settings.returnAfterMs : this.settings.leaveAfterMs
    this.decision = setTimeout(() => this.moveTo(to), afterMs).unref()
  }

  private moveTo(to: Side): void {
    if (this.moving !== null || to === this.side) return
    this.moving = this.move(to).finally(() => {
      this.moving = null
      this.wake()
      this.onHealth()
    })
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  private async move(to: Side): Promise<void> {
    const from = this.side
    this.markOfMove = await this.stores[to].changes(null).then(
      ({ mark }) => mark,
      () => null,
    )
    this.side = to
    this.moves += 1
    this.movedAtMs = performance.now()
    const stale = [...this.told[to]].filter(([socketId]) => !this.own.has(socketId))
    await inParts(stale, ([socketId, userId]) => this.withdrawFrom(to, userId, socketId))
    await inParts(this.settled(), ([socketId, { userId, state }]) =>
      this.announceTo(to, userId, socketId, state),
    )
    if (from === 'fallback')
      await inParts([...this.told.fallback], ([socketId, userId]) =>
        this.withdrawFrom(from, userId, socketId),
      )
  }

  private announceTo(
    side: Side,
    userId: UserId,
    socketId: SocketId,
    state: SocketState,
  ): Promise<PresenceChange> {
    this.told[side].set(socketId, userId)
    return this.stores[side].announce(userId, socketId, state)
  }

  private async withdrawFrom(side: Side, userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    const change = await this.stores[side].withdraw(userId, socketId)
    if (this.told[side].get(socketId) === userId) this.told[side].delete(socketId)
    return change
  }
}

/** Failures are made good by the store, with the next beat. */
async function inParts<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += SOCKETS_AT_ONCE)
    await Promise.allSettled(items.slice(from, from + SOCKETS_AT_ONCE).map(work))
}
