import type { RateLimit } from '../../core/domain/gcra.js'

export type GcraVector = {
  readonly name: string
  readonly limit: RateLimit
  /** When each call is made, and what it is answered: null where it is allowed, else after how many ms to come back. */
  readonly calls: readonly (readonly [atMs: number, retryAfterMs: number | null])[]
}

const START_MS = 1_760_000_000_000
const at = (offsetMs: number, retryAfterMs: number | null = null) =>
  [START_MS + offsetMs, retryAfterMs] as const

/** Worked out by hand; every implementation of the algorithm must answer exactly this. */
export const GCRA_VECTORS: readonly GcraVector[] = [
  {
    name: 'a burst, then one a second',
    limit: { perMinute: 60, burst: 3 },
    calls: [
      at(0),
      at(0),
      at(0),
      at(0, 1_000),
      at(400, 600),
      at(999, 1),
      at(1_000),
      at(1_000, 1_000),
      at(2_500),
      at(3_000),
    ],
  },
  {
    name: 'no burst at all',
    limit: { perMinute: 60, burst: 1 },
    calls: [at(0), at(1, 999), at(1_000), at(1_500, 500), at(2_000)],
  },
  {
    name: 'a long rest gives back the burst and no more',
    limit: { perMinute: 60, burst: 2 },
    calls: [at(0), at(0), at(0, 1_000), at(3_600_000), at(3_600_000), at(3_600_000, 1_000)],
  },
  {
    name: 'an interval that is no whole number of ms is rounded up',
    limit: { perMinute: 7, burst: 1 },
    calls: [at(0), at(0, 8_572), at(8_571, 1), at(8_572)],
  },
  {
    name: 'a clock that was set back by an hour costs a burst and not an hour',
    limit: { perMinute: 60, burst: 2 },
    calls: [at(3_600_000), at(3_600_000), at(0, 1_000), at(1_000), at(1_000, 1_000)],
  },
  {
    name: 'a burst below 1 allows nothing',
    limit: { perMinute: 60, burst: 0 },
    calls: [at(0, 1_000), at(1_000, 1_000)],
  },
]
