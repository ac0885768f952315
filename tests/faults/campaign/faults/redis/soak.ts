import { freezeRedis, killRedis } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'

const EVERY_MS = 10_000
/** Kept free before the end, so that the last one is healed under load. */
const CALM_MS = 10_000
const ACTS = ['SIGKILL', 'SIGSTOP', 'FLUSHALL'] as const
const AWAY_MS = { min: 1_000, max: 6_000 }

/** For minutes, by `npm run soak`; it is no part of the campaign. */
export const soak: Fault = redisFault({
  name: 'soak',
  title: 'Redis is killed, frozen or emptied, at random, every 10 s',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: (draw, { seconds }) =>
    Array.from({ length: Math.floor((seconds * 1_000 - CALM_MS) / EVERY_MS) }, (_, turn) => {
      const act = draw.pick(ACTS)
      const step = { atMs: turn * EVERY_MS, act, target: 'redis' }
      // It is empty in a moment, and full of what is new in the next.
      if (act === 'FLUSHALL') return { ...step, forMs: 0 }
      return { ...step, forMs: draw.between(AWAY_MS.min, AWAY_MS.max), redis: 'away' as const }
    }),
  start({ redis }) {
    const counts: Record<string, number> = {}
    return {
      async inject({ act }, moments) {
        counts[act] = (counts[act] ?? 0) + 1
        moments.began()
        if (act === 'FLUSHALL') {
          await redis.client.flushall()
          return undefined
        }
        return act === 'SIGKILL' ? killRedis(redis, null) : freezeRedis(redis)
      },
      checks: async () => [
        {
          name: 'what was done to Redis',
          checked: Object.values(counts).reduce((sum, count) => sum + count, 0),
          violations: [],
          seen: Object.entries(counts)
            .map(([act, count]) => `${act} ${count}`)
            .join(', '),
        },
      ],
    }
  },
})
