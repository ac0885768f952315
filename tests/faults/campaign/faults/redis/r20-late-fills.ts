import { repeatFills } from '../../../nemesis/redis-links.js'
import type { Check, Fault } from '../../fault.js'
import { labelledMetric } from '../../samples.js'
import type { Instance } from '../../world.js'
import { redisFault } from './redis-fault.js'
import { CACHE_PREFIX } from './wire.js'

const LATE_MS = 2_000
const FOR_MS = 15_000
/** Without it there is nothing to judge, so a busy machine has long. */
const TOLD_WITHIN_MS = 10_000

/** An old page in an empty place is what a reader finds; that nobody is answered with it is judged by the checker (L6, L7). */
export const lateFills: Fault = redisFault({
  name: 'R20',
  title: 'each fill of a cache comes 2 s late as well, after what replaced it was evicted',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: FOR_MS, act: 'repeat fills', target: 'redis' }],
  start({ redis, instances }) {
    let fills = 0
    let stale = 0
    return {
      async inject(_step, moments) {
        const before = await staleFound(instances)
        moments.began()
        const repeating = repeatFills(
          instances.flatMap(({ toRedis }) => toRedis ?? []),
          redis.client,
          { prefix: CACHE_PREFIX, lateMs: LATE_MS },
        )
        return async () => {
          await repeating.heal()
          moments.over()
          fills = repeating.fills()
          stale = (await staleFound(instances)) - before
        }
      },
      checks: async () => [judgeFills(fills, stale)],
    }
  },
})

/** A late fill that no reader has come upon has shown nothing. */
export const judgeFills = (fills: number, foundOld: number): Check => ({
  name: 'fills that came late',
  checked: fills,
  violations: foundOld > 0 ? [] : ['no reader found an old one, so none had to be refused'],
  seen: `${fills}, found old ${foundOld} times`,
})

/** Entries that were in Redis but older than what the reader knew. */
async function staleFound(instances: readonly Instance[]): Promise<number> {
  const counts = await Promise.all(
    instances.map(async ({ url }) => {
      const requests = await labelledMetric(url, 'parley_cache_requests_total', TOLD_WITHIN_MS)
      return [...requests]
        .filter(([labels]) => labels.includes('tier="redis"') && labels.includes('result="stale"'))
        .reduce((sum, [, count]) => sum + count, 0)
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
