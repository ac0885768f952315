import { ENDED_LOGIN_MEMORY_MS } from '../../domain/account.js'
import type { BusPort } from '../../ports/bus-port.js'
import type { Cancel, ClockPort } from '../../ports/clock-port.js'
import type { SweepPort } from '../../ports/sweep-port.js'
import type { LoginFeed } from './login-feed.js'
import type { RoomFeed } from './room-feed.js'

/**
 * From the beginning of one sweep to that of the next. What one has told is good for a second (`RoomFeed.headsOf`), and the next has
 * the rest of it to answer in.
 */
export const SWEEP_INTERVAL_MS = 750

/** From the end of one to the beginning of the next while the bus is in doubt; and at least, so that a slow store has a rest. */
export const DOUBT_INTERVAL_MS = 250

/** Logins are stamped by the clock of the process that ends them; this much may lie between two clocks and a commit. */
const LOGIN_OVERLAP_MS = 120_000

/** Every so many sweeps look back over all that is remembered, for clocks that differ by more than the overlap. */
const FULL_SWEEP_EVERY = 30

type Ports = { sweep: SweepPort; bus: BusPort; clock: ClockPort }
type Feeds = { rooms: RoomFeed; logins: LoginFeed }

/**
 * Asks the store, more than once a second and whatever the bus seems to do, for what a bus may have lost: heads and ended logins. Where
 * the bus itself is in doubt it asks more often, from the next quarter of a second on.
 */
export class Sweeper {
  private cancelNext: Cancel | null = null
  private sweeping = false
  private stopped = false
  private sweeps = 0

  constructor(
    private readonly ports: Ports,
    private readonly feeds: Feeds,
  ) {}

  /** Resolves after the first sweep, when all ended logins are known; rejects when that cannot be read. */
  async start(): Promise<void> {
    const begunAtMs = this.ports.clock.nowMs()
    await this.sweep(ENDED_LOGIN_MEMORY_MS)
    this.ports.bus.onGap(() => this.now())
    this.waitSince(begunAtMs)
  }

  stop(): void {
    this.stopped = true
    this.cancelNext?.()
  }

  private now(): void {
    this.sweeps = 0
    if (this.sweeping || this.stopped) return
    this.cancelNext?.()
    this.cancelNext = this.ports.clock.after(0, () => void this.turn())
  }

  /** For the next sweep, after one that began then. */
  private waitSince(begunAtMs: number): void {
    const tookMs = this.ports.clock.nowMs() - begunAtMs
    // A clock that was set meanwhile tells nothing.
    const restMs = tookMs > 0 ? SWEEP_INTERVAL_MS - tookMs : SWEEP_INTERVAL_MS
    this.wait(Math.max(DOUBT_INTERVAL_MS, restMs))
  }

  private wait(restMs: number): void {
    if (this.stopped) return
    const { clock, bus } = this.ports
    const stepMs = Math.min(DOUBT_INTERVAL_MS, restMs)
    this.cancelNext = clock.after(stepMs, () => {
      if (restMs <= stepMs || bus.isInDoubt?.()) void this.turn()
      else this.wait(restMs - stepMs)
    })
  }

  private async turn(): Promise<void> {
    const lookBackMs = this.sweeps % FULL_SWEEP_EVERY === 0 ? ENDED_LOGIN_MEMORY_MS : LOGIN_OVERLAP_MS
    const begunAtMs = this.ports.clock.nowMs()
    this.sweeps += 1
    this.sweeping = true
    try {
      await this.sweep(lookBackMs)
    } catch {
      this.sweeps = 0
    } finally {
      this.sweeping = false
    }
    this.waitSince(begunAtMs)
  }

  private async sweep(lookBackMs: number): Promise<void> {
    const { rooms, logins } = this.feeds
    const startedAtMs = this.ports.clock.nowMs()
    const { heads, ended } = await this.ports.sweep.sweep(rooms.headsToSweep(), startedAtMs - lookBackMs)
    logins.learn(ended)
    logins.prune()
    rooms.learnHeads(heads, startedAtMs)
  }
}
