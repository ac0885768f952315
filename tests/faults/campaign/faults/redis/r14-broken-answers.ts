import { cutAnswers } from '../../../nemesis/redis-links.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'

const BROKEN_MS = 10_000
const ONE_IN = 40
const FIRST_BYTES = 64

/** A command whose answer was lost has been carried out; what comes of that twice is judged by the checker (L2, L13). */
export const answersCut: Fault = redisFault({
  name: 'R14-reset',
  title: 'connections to Redis are reset between commands and their answers',
  scale: `one answer in ${ONE_IN}`,
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: BROKEN_MS, act: 'reset', target: 'redis', redis: 'away' }],
  start({ instances }) {
    let cuts = 0
    return {
      async inject(_step, moments) {
        moments.began()
        const cutting = instances.flatMap(({ toRedis }) =>
          toRedis === null ? [] : [cutAnswers(toRedis, ONE_IN)],
        )
        return async () => {
          for (const { heal } of cutting) await heal()
          moments.over()
          cuts = cutting.reduce((sum, each) => sum + each.cuts(), 0)
        }
      },
      checks: async () => [
        { name: 'answers that were cut off', checked: cuts, violations: [], seen: String(cuts) },
      ],
    }
  },
})

/** Bounds are those of a Redis that works: it does. */
export const answersSliced: Fault = redisFault({
  name: 'R14-sliced',
  title: 'what Redis and the servers say to each other arrives byte by byte',
  scale: `the first ${FIRST_BYTES} bytes of each chunk`,
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: BROKEN_MS, act: 'slice', target: 'redis' }],
  start: ({ instances }) => ({
    async inject(_step, moments) {
      moments.began()
      for (const { toRedis } of instances) await toRedis?.set({ is: 'sliced', firstBytes: FIRST_BYTES })
      return async () => {
        for (const { toRedis } of instances) await toRedis?.set({ is: 'up' })
        moments.over()
      }
    },
  }),
})
