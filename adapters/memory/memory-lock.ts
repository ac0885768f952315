import type { ClockPort } from '../../core/ports/clock-port.js'
import type { HeldLock, LockPort } from '../../core/ports/lock-port.js'

type Lease = { readonly expiresAtMs: number }

/** Lapsed leases are only looked for once there are this many. */
const SWEEP_AT = 1_000

/** Locks of one process. A lease is known by its identity, so that a lapsed holder cannot release its successor's. */
export class MemoryLock implements LockPort {
  readonly scope = 'process'
  private readonly leases = new Map<string, Lease>()
  private sweepAt = SWEEP_AT

  constructor(private readonly clock: ClockPort) {}

  async tryAcquire(key: string, ttlMs: number): Promise<HeldLock | null> {
    if (this.current(key) !== null) return null
    this.sweep()
    const lease: Lease = { expiresAtMs: this.clock.nowMs() + ttlMs }
    this.leases.set(key, lease)
    return { release: async () => this.current(key) === lease && this.leases.delete(key) }
  }

  private current(key: string): Lease | null {
    const lease = this.leases.get(key)
    return lease !== undefined && lease.expiresAtMs > this.clock.nowMs() ? lease : null
  }

  private sweep(): void {
    if (this.leases.size < this.sweepAt) return
    for (const key of this.leases.keys()) if (this.current(key) === null) this.leases.delete(key)
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.leases.size)
  }
}
