import type { RateLimit } from '../domain/gcra.js'
import { type Refusal, rateLimited } from '../domain/refusal.js'
import { ok, type Result } from '../domain/result.js'
import type { RateLimitPort } from '../ports/rate-limit-port.js'

/** Takes one call from every limit, and refuses with the longest wait where one of them is used up. */
export async function withinLimits(
  limits: RateLimitPort,
  takes: Readonly<Record<string, RateLimit>>,
): Promise<Result<null, Refusal>> {
  const allowances = await Promise.all(Object.entries(takes).map(([key, limit]) => limits.take(key, limit)))
  const waitMs = Math.max(
    0,
    ...allowances.map((allowance) => (allowance.allowed ? 0 : allowance.retryAfterMs)),
  )
  return waitMs === 0 ? ok(null) : rateLimited(waitMs)
}
