import type { RateLimit } from '../domain/gcra.js'
import { type Refusal, rateLimited } from '../domain/refusal.js'
import { ok, type Result } from '../domain/result.js'
import type { RateLimitPort } from '../ports/rate-limit-port.js'

/**
 * Takes one call from each limit in the order given, up to the first that refuses: what is refused takes from no later one.
 * So those come last that more callers share.
 */
export async function withinLimits(
  limits: RateLimitPort,
  takes: Readonly<Record<string, RateLimit>>,
): Promise<Result<null, Refusal>> {
  for (const [key, limit] of Object.entries(takes)) {
    const allowance = await limits.take(key, limit)
    if (!allowance.allowed) return rateLimited(allowance.retryAfterMs)
  }
  return ok(null)
}
