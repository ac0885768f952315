import type { Allowance, RateLimit } from '../../core/domain/gcra.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

export type RateLimitFallbacks = {
  /** Counters of this process, which get its share of each limit. */
  readonly local: RateLimitPort
  /** Among how many processes a limit is shared out. */
  readonly processes: () => number
  /** Counters that all processes share, for what a share would not guard well enough: guesses at passwords. */
  readonly shared: RateLimitPort
  readonly isGuarded: (key: string) => boolean
}

/** Limits that all processes count together while the primary answers. Without it there is still a limit, and never none. */
export class FailoverRateLimit implements RateLimitPort {
  readonly scope = 'cluster'

  constructor(
    private readonly primary: RateLimitPort,
    private readonly fallbacks: RateLimitFallbacks,
    private readonly health: PrimaryHealth,
  ) {}

  async take(key: string, limit: RateLimit): Promise<Allowance> {
    if (this.health.isUp()) {
      try {
        return await this.primary.take(key, limit)
      } catch (error) {
        if (!(error instanceof PortUnavailable)) throw error
      }
    }
    const { isGuarded, shared, local, processes } = this.fallbacks
    return isGuarded(key) ? shared.take(key, limit) : local.take(key, shareOf(limit, processes()))
  }

  state(): FailoverState {
    return stateOf('RateLimitPort', this.health)
  }
}

/** Below one call at once a limit would refuse every call. */
const shareOf = ({ perMinute, burst }: RateLimit, processes: number): RateLimit => ({
  perMinute: perMinute / Math.max(1, processes),
  burst: Math.max(1, Math.floor(burst / Math.max(1, processes))),
})
