import { invalid, type Refusal } from './refusal.js'
import { ok, type Result } from './result.js'

export const PAGE_LIMIT = { default: 50, max: 200 }
export const EVENTS_LIMIT = { default: 200, max: 500 }

/** Where a page of messages or events lies: `before` and `after` are exclusive seqs; neither asks for the newest page. */
export type Window = { readonly before: number | null; readonly after: number | null; readonly limit: number }

export function checkLimit(
  limit: number | undefined,
  bounds: { readonly default: number; readonly max: number },
): Result<number, Refusal> {
  if (limit === undefined) return ok(bounds.default)
  if (!Number.isInteger(limit) || limit < 1 || limit > bounds.max)
    return invalid('limit', `must be 1 to ${bounds.max}`)
  return ok(limit)
}

export const isSeq = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

export function checkWindow(request: {
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}): Result<Window, Refusal> {
  const { before, after } = request
  if (before !== undefined && after !== undefined) return invalid('before', 'cannot be combined with after')
  if (before !== undefined && !isSeq(before)) return invalid('before', 'must be a seq')
  if (after !== undefined && !isSeq(after)) return invalid('after', 'must be a seq')
  const limit = checkLimit(request.limit, PAGE_LIMIT)
  return limit.ok ? ok({ before: before ?? null, after: after ?? null, limit: limit.value }) : limit
}
