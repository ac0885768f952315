import type { Allowance, RateLimit } from '../domain/gcra.js'
import type { RoomId, UserId } from '../domain/ids.js'
import { LIMITS } from '../domain/rate-limits.js'
import { type Refusal, rateLimited } from '../domain/refusal.js'
import { ok, type Result } from '../domain/result.js'
import type { RateLimitPort } from '../ports/rate-limit-port.js'

export type Take = readonly [key: string, limit: RateLimit]

const WITHIN = ok(null)

/** Of a text for a room: sending one and editing one count together. */
export const takesOfText = (roomId: RoomId, userId: UserId): readonly Take[] => [
  [`send:${roomId}:${userId}`, LIMITS.messagesPerMember],
  [`send:${userId}`, LIMITS.messagesPerUser],
]

/**
 * Takes one call from each limit in the order given, up to the first that refuses: what is refused takes from no later one.
 * So those come last that more callers share. Answers at once where the port does: every message comes this way.
 */
export function withinLimits(
  limits: RateLimitPort,
  takes: readonly Take[],
): Result<null, Refusal> | Promise<Result<null, Refusal>> {
  for (const [index, [key, limit]] of takes.entries()) {
    const taken = limits.take(key, limit)
    if (taken instanceof Promise) return restOf(limits, taken, takes.slice(index + 1))
    if (!taken.allowed) return rateLimited(taken.retryAfterMs)
  }
  return WITHIN
}

async function restOf(
  limits: RateLimitPort,
  first: Promise<Allowance>,
  others: readonly Take[],
): Promise<Result<null, Refusal>> {
  const allowance = await first
  return allowance.allowed ? withinLimits(limits, others) : rateLimited(allowance.retryAfterMs)
}
