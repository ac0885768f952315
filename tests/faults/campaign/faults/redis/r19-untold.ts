import { denyPublishing } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'
import { rejected } from './redis-use.js'

const DENIED_MS = 12_000

/** What is committed can be told nobody over Redis; that all see it in time is judged by the checker (L4, L7). */
export const untold: Fault = redisFault({
  name: 'R19',
  title: 'Redis refuses every publication, and nothing else',
  unnoticed: { deliveredWithinMs: null },
  schedule: () => [{ atMs: 0, forMs: DENIED_MS, act: 'NOPERM', target: 'redis' }],
  start({ redis }) {
    let refused = 0
    return {
      async inject(_step, moments) {
        const before = await rejected(redis, 'publish')
        moments.began()
        const heal = await denyPublishing(redis)
        return async () => {
          await heal()
          moments.over()
          refused = (await rejected(redis, 'publish')) - before
        }
      },
      checks: async () => [
        { name: 'publications that were refused', checked: refused, violations: [], seen: String(refused) },
      ],
    }
  },
})
