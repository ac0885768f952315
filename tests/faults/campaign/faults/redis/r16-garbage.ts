import { scrawl } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { rounds } from '../rounds.js'
import { redisFault } from './redis-fault.js'
import { PREFIX } from './wire.js'

const EVERY_MS = 2_000

/** It is ignored and written anew: Redis is used as much after it as before. */
export const garbage: Fault = redisFault({
  name: 'R16',
  title: 'all keys in Redis hold garbage, or another type',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: (_draw, scene) =>
    rounds(scene, EVERY_MS, () => ({ forMs: 0, act: 'scrawl', target: 'redis' }), 3),
  start({ redis }) {
    let keys = 0
    return {
      async inject() {
        keys += await scrawl(redis, PREFIX)
        return undefined
      },
      checks: async () => [
        { name: 'keys that held garbage', checked: keys, violations: [], seen: String(keys) },
      ],
    }
  },
})
