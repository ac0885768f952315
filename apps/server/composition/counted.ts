import type { Allowance, RateLimit } from '../../../core/domain/gcra.js'
import type { HeldLock, LockPort } from '../../../core/ports/lock-port.js'
import type { RateLimitPort } from '../../../core/ports/rate-limit-port.js'

/** What answers: the adapter itself, not one that chooses between two. */
export type AnsweredBy = 'redis' | 'postgres' | 'memory'

export type Outcomes = { readonly by: AnsweredBy; readonly counts: Readonly<Record<string, number>> }

/** Counts how the limits and locks of a process answer. A call that one fails and the next answers is counted at both. */
export class Counted {
  readonly limits: Outcomes[] = []
  readonly locks: Outcomes[] = []

  limit(by: AnsweredBy, limits: RateLimitPort): RateLimitPort {
    const counted = new CountedRateLimit(limits)
    this.limits.push({ by, counts: counted.counts })
    return counted
  }

  lock(by: AnsweredBy, lock: LockPort): LockPort {
    const counted = new CountedLock(lock)
    this.locks.push({ by, counts: counted.counts })
    return counted
  }
}

class CountedRateLimit implements RateLimitPort {
  readonly counts = { allowed: 0, refused: 0, failed: 0 }

  constructor(private readonly limits: RateLimitPort) {}

  get scope(): RateLimitPort['scope'] {
    return this.limits.scope
  }

  take(key: string, limit: RateLimit): Allowance | Promise<Allowance> {
    const taken = this.limits.take(key, limit)
    return taken instanceof Promise ? taken.then(this.count, this.fail) : this.count(taken)
  }

  private readonly count = (allowance: Allowance): Allowance => {
    this.counts[allowance.allowed ? 'allowed' : 'refused'] += 1
    return allowance
  }

  private readonly fail = (error: unknown): never => {
    this.counts.failed += 1
    throw error
  }
}

class CountedLock implements LockPort {
  readonly counts = { taken: 0, busy: 0, failed: 0 }

  constructor(private readonly lock: LockPort) {}

  get scope(): LockPort['scope'] {
    return this.lock.scope
  }

  async tryAcquire(key: string, ttlMs: number): Promise<HeldLock | null> {
    try {
      const held = await this.lock.tryAcquire(key, ttlMs)
      this.counts[held === null ? 'busy' : 'taken'] += 1
      return held
    } catch (error) {
      this.counts.failed += 1
      throw error
    }
  }
}
