import { evictedKeys, starveRedis } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'

const STARVED_MS = 12_000

/** Locks and limits go with the rest: that nothing happens twice is judged by the checker (L2). */
export const evicted: Fault = redisFault({
  name: 'R7',
  title: 'Redis has hardly any memory and evicts everything',
  unnoticed: { deliveredWithinMs: 1_000 },
  // Connections take memory as well, so that it may be full at times.
  schedule: () => [{ atMs: 0, forMs: STARVED_MS, act: 'maxmemory', target: 'redis', redis: 'away' }],
  start({ redis }) {
    let count = 0
    return {
      async inject(_step, moments) {
        const before = await evictedKeys(redis)
        moments.began()
        const heal = await starveRedis(redis)
        return async () => {
          count = (await evictedKeys(redis)) - before
          await heal()
          moments.over()
        }
      },
      checks: async () => [
        { name: 'keys that were evicted', checked: count, violations: [], seen: String(count) },
      ],
    }
  },
})
