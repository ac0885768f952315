import { delayPushes } from '../../../nemesis/redis-links.js'
import type { Fault } from '../../fault.js'
import { anInstance } from '../rounds.js'
import { redisFault } from './redis-fault.js'

const LATE_MS = 3_000

/** What others committed reaches this instance by the sweep, and again, late and out of order, by Redis. */
export const latePushes: Fault = redisFault({
  name: 'C5-redis',
  title: 'what one instance hears from Redis is 3 s late',
  unnoticed: { deliveredWithinMs: null },
  schedule: (draw, scene) => [
    { atMs: 0, forMs: scene.seconds * 1_000, act: 'delay the bus', target: anInstance(draw, scene) },
  ],
  start(world) {
    let count = 0
    return {
      async inject({ target }, moments) {
        const { toRedis } = world.instance(target)
        if (toRedis === null) throw new Error('there is no proxy')
        moments.began()
        const late = delayPushes(toRedis, LATE_MS)
        return async () => {
          await late.heal()
          moments.over()
          count = late.pushes()
        }
      },
      checks: async () => [
        { name: 'pushes that were late', checked: count, violations: [], seen: String(count) },
      ],
    }
  },
})
