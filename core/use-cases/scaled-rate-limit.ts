import type { Allowance, RateLimit } from '../domain/gcra.js'
import type { RateLimitPort } from '../ports/rate-limit-port.js'

/** Multiplies every limit by one factor, for load tests and for small deployments. */
export class ScaledRateLimit implements RateLimitPort {
  constructor(
    private readonly limits: RateLimitPort,
    private readonly factor: number,
  ) {}

  get scope(): 'process' | 'cluster' {
    return this.limits.scope
  }

  take(key: string, limit: RateLimit): Allowance | Promise<Allowance> {
    // Below one call at once a limit would refuse every call.
    const burst = Math.max(1, limit.burst * this.factor)
    return this.limits.take(key, { perMinute: limit.perMinute * this.factor, burst })
  }
}
