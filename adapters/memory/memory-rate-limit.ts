import { type Allowance, gcra, type RateLimit } from '../../core/domain/gcra.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'

/** How many of the keys untouched for longest are looked at when a new one needs room. */
const PROBES = 64

/**
 * GCRA counters of one process, for a bounded number of keys. A key whose theoretical arrival time is past is as good as
 * unknown, so it goes first; only when none is found does the key untouched for longest start afresh.
 */
export class MemoryRateLimit implements RateLimitPort {
  readonly scope = 'process'
  /** In order of the last call, once they are so many that it may matter. */
  private readonly tats = new Map<string, number>()

  constructor(
    private readonly clock: ClockPort,
    private readonly maxKeys = 100_000,
  ) {}

  /** How many keys are remembered. */
  get size(): number {
    return this.tats.size
  }

  take(key: string, limit: RateLimit): Allowance {
    const nowMs = this.clock.nowMs()
    const known = this.tats.get(key)
    if (known === undefined) this.makeRoom(nowMs)
    const { allowance, tatMs } = gcra(
      known === undefined ? null : plausible(known, nowMs, limit),
      nowMs,
      limit,
    )
    // A map whose entries come and go is copied again and again, with the keys of each call.
    if (this.tats.size > this.maxKeys / 2) this.tats.delete(key)
    this.tats.set(key, tatMs)
    return allowance
  }

  private makeRoom(nowMs: number): void {
    if (this.tats.size < this.maxKeys) return
    let probes = 0
    for (const [key, tatMs] of this.tats) {
      if (tatMs <= nowMs) this.tats.delete(key)
      probes += 1
      if (probes === PROBES) break
    }
    const [oldest] = this.tats.keys()
    if (oldest !== undefined && this.tats.size >= this.maxKeys) this.tats.delete(oldest)
  }
}

/** No allowed call puts the arrival time further ahead than a full burst; one that is means that the clock was set back. */
const plausible = (tatMs: number, nowMs: number, limit: RateLimit): number =>
  Math.min(tatMs, nowMs + (limit.burst * 60_000) / limit.perMinute)
