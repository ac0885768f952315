/** At most `burst` at once, and `perMinute` in the long run. */
export type RateLimit = { readonly perMinute: number; readonly burst: number }

export type Allowance =
  | { readonly allowed: true }
  /** `retryAfterMs`: when the same call would pass, in ms from now. */
  | { readonly allowed: false; readonly retryAfterMs: number }

/** Sums of fractions of a ms are not exact; a call this close to its time passes. Far below what any clock here tells apart. */
export const GCRA_TOLERANCE_MS = 0.001

/**
 * Generic cell rate algorithm (ITU-T I.371; its virtual-scheduling form). `tatMs` is the theoretical arrival time kept
 * for a key, or null for a key never seen. Returns the allowance and the value to keep; a refused call keeps the old one.
 */
export function gcra(
  tatMs: number | null,
  nowMs: number,
  limit: RateLimit,
  cost = 1,
): { readonly allowance: Allowance; readonly tatMs: number } {
  const intervalMs = 60_000 / limit.perMinute
  // No allowed call puts it further ahead than a full burst; one that is means that the clock was set back.
  const kept = Math.min(tatMs ?? nowMs, nowMs + limit.burst * intervalMs)
  const start = Math.max(kept, nowMs)
  const next = start + cost * intervalMs
  const waitMs = next - limit.burst * intervalMs - nowMs
  if (waitMs > GCRA_TOLERANCE_MS)
    return { allowance: { allowed: false, retryAfterMs: Math.ceil(waitMs) }, tatMs: start }
  return { allowance: { allowed: true }, tatMs: next }
}
