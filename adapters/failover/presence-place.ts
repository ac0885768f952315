import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { LocalSockets } from './local-sockets.js'
import type { MeetingPresence, MovablePresence, Place } from './movable-presence.js'
import { PresencePeers } from './presence-peers.js'
import type { PrimaryHealth } from './primary-health.js'

export type PresenceStores = { readonly primary: MovablePresence; readonly fallback: MeetingPresence }
export type Side = keyof PresenceStores

export type FailoverPresenceOptions = {
  /** Away for so long, the primary is left. */
  readonly leaveAfterMs?: number
  /** Up for so long, it may be gone back to: one that flaps is not worth the moves. */
  readonly returnAfterMs?: number
  /** How often a process looks where the others are. */
  readonly lookEveryMs?: number
  /** How long a move waits for the calls under way; above the deadlines of the stores. */
  readonly drainMs?: number
}

const DEFAULTS = { leaveAfterMs: 300, returnAfterMs: 2_000, lookEveryMs: 1_000, drainMs: 6_000 }
/** After so many failures of one call the primary is left, whatever is said of its health. */
const ATTEMPTS = 2
/** What the wait before going back grows to while that fails. */
const LONGEST_RETURN_MS = 60_000

const NONE = new Map()
const ignore = (): void => undefined

/**
 * In which store the sockets of this process are. All processes are in the primary, or all in the fallback: whoever cannot use the
 * primary says so in the fallback, and the others come there too. They go back once each of them has been able to for a while.
 */
export class PresencePlace {
  readonly peers: PresencePeers
  private current: Side = 'primary'
  private moves = 0
  /** ms since the Unix epoch. */
  private movedAtMs = Date.now()
  /** Of the present store, from when none of the others had been there. */
  private markOfMove: string | null = null
  private markOfOther: string | null = null
  /** Whether nothing of this process is left in the primary, while it is in the fallback. */
  private isClean = false
  private upSinceMs: number | null = null
  private returnAfterMs: number
  private moving: Promise<void> | null = null
  private hasLeft = false
  private endStay: () => void = ignore
  private readonly leaving = new Promise<void>((resolve) => {
    this.endStay = resolve
  })
  /** What the others are being told. */
  private telling: Promise<void> = Promise.resolve()
  private readonly underWay = new Set<Promise<unknown>>()
  private readonly waiting = new Set<() => void>()
  private departure: ReturnType<typeof setTimeout> | null = null
  private nextTick: ReturnType<typeof setTimeout> | undefined
  private readonly stopWatching: () => void
  private readonly settings: Required<FailoverPresenceOptions>

  constructor(
    private readonly stores: PresenceStores,
    private readonly sockets: LocalSockets,
    private readonly health: PrimaryHealth,
    options: FailoverPresenceOptions,
  ) {
    this.settings = { ...DEFAULTS, ...options }
    this.returnAfterMs = this.settings.returnAfterMs
    this.peers = new PresencePeers(stores.fallback, this.settings.lookEveryMs)
    this.stopWatching = health.onChange(() => this.onHealth())
    this.onHealth()
    void this.tellPlace('elsewhere')
    this.scheduleTick(0)
  }

  get side(): Side {
    return this.current
  }

  /** Of the present stay in a store: a mark of another one says nothing here. */
  get stay() {
    return { side: this.current, moves: this.moves, sinceMs: this.movedAtMs, mark: this.markOfMove }
  }

  get isLeft(): boolean {
    return this.hasLeft
  }

  /** Whether the primary can be asked besides the fallback: all processes can use it, and none has left anything behind there. */
  mayAskPrimary(peers: ReadonlySet<Place>): boolean {
    return this.isClean && this.health.isUp() && !peers.has('here')
  }

  /** Does something in the store where the sockets are, and again in the other where they move meanwhile or the primary fails. */
  async run<T>(work: (side: Side) => Promise<T>): Promise<T> {
    for (let failures = 0; ; ) {
      await this.untilUsable()
      if (this.hasLeft) throw new PortUnavailable('PresencePort', new Error('This process has left'))
      const { current: side, moves } = this
      try {
        const answer = await this.track(work(side))
        // Else it was done where the sockets are no longer.
        if (moves === this.moves) return answer
      } catch (error) {
        if (!(error instanceof PortUnavailable)) throw error
        if (moves === this.moves && side === 'fallback') throw error
        failures += 1
        if (moves === this.moves && failures >= ATTEMPTS) await this.giveUpPrimary()
      }
    }
  }

  /** No more moves, and no more calls; resolves when none is under way that moves sockets. */
  async leave(): Promise<void> {
    this.hasLeft = true
    this.stopWatching()
    clearTimeout(this.nextTick)
    if (this.departure !== null) clearTimeout(this.departure)
    this.endStay()
    this.wake()
    await this.moving
    await this.telling
  }

  private async track<T>(call: Promise<T>): Promise<T> {
    this.underWay.add(call)
    try {
      return await call
    } finally {
      this.underWay.delete(call)
    }
  }

  private async untilUsable(): Promise<void> {
    while (!this.hasLeft) {
      if (this.moving !== null) await Promise.race([this.moving, this.untilWoken()])
      else if (this.current === 'primary' && !this.health.isUp()) await this.untilWoken()
      else return
    }
  }

  private untilWoken(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve))
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }

  private onHealth(): void {
    if (this.hasLeft) return
    if (this.health.isUp()) {
      this.upSinceMs ??= performance.now()
      if (this.departure !== null) clearTimeout(this.departure)
      this.departure = null
      this.wake()
      return
    }
    this.upSinceMs = null
    if (this.current === 'fallback') this.soil()
    else
      this.departure ??= setTimeout(() => {
        this.departure = null
        this.returnAfterMs = this.settings.returnAfterMs
        void this.moveTo('fallback')
      }, this.settings.leaveAfterMs).unref()
  }

  private scheduleTick(inMs: number): void {
    this.nextTick = setTimeout(() => {
      const next = () => {
        if (!this.hasLeft) this.scheduleTick(this.settings.lookEveryMs)
      }
      // What it could not ask for now it asks for the next time.
      this.tick().then(next, next)
    }, inMs).unref()
  }

  private async tick(): Promise<void> {
    await this.moving
    const other = this.current === 'primary' ? 'fallback' : 'primary'
    const mark = await this.markIn(other)
    await this.peers.look()
    const places = await this.peers.places()
    if (other === this.current || this.hasLeft) return
    const isEmpty =
      other === 'primary' ? !places.has('elsewhere') : !places.has('here') && !places.has('ready')
    if (isEmpty) this.markOfOther = mark ?? this.markOfOther
    if (this.current === 'fallback') await this.prepareReturn(places)
    else if (places.has('here')) await this.moveTo('fallback')
  }

  private async prepareReturn(places: ReadonlySet<Place>): Promise<void> {
    const { upSinceMs } = this
    if (upSinceMs === null || performance.now() - upSinceMs < this.returnAfterMs) return
    // Whoever is still in the primary reads there what this process has brought here.
    if (!this.isClean && !places.has('elsewhere')) await this.clean()
    if (this.isClean && this.peers.areFree()) await this.moveTo('primary')
  }

  private async clean(): Promise<void> {
    try {
      await this.stores.primary.bring(NONE, false)
    } catch {
      this.putOffReturn()
      return
    }
    if (!this.health.isUp()) return
    this.isClean = true
    await this.tellPlace('ready')
  }

  private soil(): void {
    if (!this.isClean) return
    this.isClean = false
    void this.tellPlace('here')
  }

  private async giveUpPrimary(): Promise<void> {
    this.putOffReturn()
    await this.moveTo('fallback')
  }

  private putOffReturn(): void {
    this.returnAfterMs = Math.min(2 * this.returnAfterMs, LONGEST_RETURN_MS)
    if (this.upSinceMs !== null) this.upSinceMs = performance.now()
  }

  private async moveTo(to: Side): Promise<void> {
    if (this.moving === null && to !== this.current && !this.hasLeft)
      this.moving = this.move(to).finally(() => {
        this.moving = null
        this.peers.forget()
        this.wake()
        this.onHealth()
      })
    await this.moving
  }

  private async move(to: Side): Promise<void> {
    await this.untilDrained()
    const mark = this.markOfOther ?? (await this.markIn(to))
    if (this.hasLeft) return
    if (to === 'primary' && !(await this.bringToPrimary())) return
    this.current = to
    this.moves += 1
    this.movedAtMs = Date.now()
    this.markOfMove = mark
    this.markOfOther = null
    // Where one of these fails, the next beat makes it good.
    if (to === 'primary') {
      await this.tellPlace('elsewhere')
      await this.stores.fallback.bring(NONE, false).catch(ignore)
    } else {
      this.isClean = false
      // Others who came there before may have found their users gone.
      await this.stores.fallback.bring(this.sockets.told(), true).catch(ignore)
      // Last: by it the others take what is there for all.
      await this.tellPlace('here')
    }
  }

  private async bringToPrimary(): Promise<boolean> {
    try {
      await this.stores.primary.bring(this.sockets.told(), false)
      return true
    } catch {
      this.putOffReturn()
      this.soil()
      return false
    }
  }

  private async untilDrained(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const isLate = new Promise((resolve) => {
      timer = setTimeout(resolve, this.settings.drainMs)
    })
    await Promise.race([Promise.allSettled([...this.underWay]), isLate, this.leaving])
    clearTimeout(timer)
  }

  /** Null where it cannot be asked. */
  private async markIn(side: Side): Promise<string | null> {
    if (side === 'primary' && !this.health.isUp()) return null
    return this.stores[side].changes(null).then(
      ({ mark }) => mark,
      () => null,
    )
  }

  private tellPlace(place: Place): Promise<void> {
    if (!this.hasLeft) this.telling = this.stores.fallback.tellPlace(place).catch(ignore)
    return this.telling
  }
}
