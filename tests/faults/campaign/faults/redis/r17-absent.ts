import { killRedis, untilRedisAnswers } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'

const ABSENT_MS = 20_000

export const arrives: Fault = redisFault({
  name: 'R17-arrives',
  title: 'the servers start without Redis, which arrives later',
  scale: `${ABSENT_MS / 1_000} s for 2 min`,
  topology: { redis: { isAbsent: true } },
  usedBefore: false,
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: ABSENT_MS, act: 'absent', target: 'redis', redis: 'away' }],
  start: ({ redis }) => ({
    async inject() {
      return async () => {
        await redis.server.restart()
        await untilRedisAnswers(redis)
      }
    },
  }),
})

/** All that is looked at at the end is looked at without it. */
export const leaves: Fault = redisFault({
  name: 'R17-leaves',
  title: 'Redis leaves for ever',
  usedAfter: false,
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: (draw, { seconds }) => [
    { atMs: draw.between(0, 1_000), forMs: seconds * 1_000, act: 'SIGKILL', target: 'redis', redis: 'away' },
  ],
  start: ({ redis }) => ({
    async inject(_step, moments) {
      moments.began()
      await killRedis(redis, null)
      return undefined
    },
  }),
})
