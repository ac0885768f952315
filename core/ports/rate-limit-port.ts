import type { Allowance, RateLimit } from '../domain/gcra.js'

/** Counts calls per key by GCRA (`core/domain/gcra.ts`). Throws PortUnavailable when it cannot ask. */
export interface RateLimitPort {
  /** How far a count reaches. */
  readonly scope: 'process' | 'cluster'
  /** Takes one call for `key`, or refuses it and changes nothing. Counters of this process answer at once. */
  take(key: string, limit: RateLimit): Allowance | Promise<Allowance>
}
