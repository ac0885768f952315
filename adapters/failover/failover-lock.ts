import type { HeldLock, LockPort } from '../../core/ports/lock-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

/**
 * Locks in one place while it answers, else in another. The two do not exclude each other: what is held in the one when it is lost can
 * be taken in the other. Whoever holds a lock saves work; what is right is decided by what is written.
 */
export class FailoverLock implements LockPort {
  readonly scope: LockPort['scope']

  constructor(
    private readonly primary: LockPort,
    private readonly fallback: LockPort,
    private readonly health: PrimaryHealth,
  ) {
    this.scope = primary.scope === 'cluster' && fallback.scope === 'cluster' ? 'cluster' : 'process'
  }

  async tryAcquire(key: string, ttlMs: number): Promise<HeldLock | null> {
    if (this.health.isUp()) {
      try {
        return await this.primary.tryAcquire(key, ttlMs)
      } catch (error) {
        if (!(error instanceof PortUnavailable)) throw error
      }
    }
    return this.fallback.tryAcquire(key, ttlMs)
  }

  state(): FailoverState {
    return stateOf('LockPort', this.health)
  }
}
