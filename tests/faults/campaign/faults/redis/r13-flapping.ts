import { setTimeout as sleep } from 'node:timers/promises'
import { flap } from '../../../nemesis/redis-links.js'
import type { Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'
import { connectionsTo } from './redis-use.js'

const FLAPPING_MS = 40_000
const EVERY_MS = 1_000
const SETTLED_WITHIN_MS = 20_000

/** That memory and open files are what they were is judged by the checker (L14), and that nothing is pushed twice as well (L2). */
export const flapping: Fault = redisFault({
  name: 'R13',
  title: 'Redis cannot be reached for every other second',
  scale: `${FLAPPING_MS / 1_000} s for 5 min`,
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: FLAPPING_MS, act: 'flap', target: 'redis', redis: 'away' }],
  start({ redis, instances }) {
    const connections = { before: 0, after: 0 }
    let times = 0
    return {
      async inject(_step, moments) {
        connections.before = await connectionsTo(redis)
        moments.began()
        const flapped = flap(
          instances.flatMap(({ toRedis }) => toRedis ?? []),
          EVERY_MS,
        )
        return async () => {
          await flapped.heal()
          moments.over()
          times = flapped.times()
        }
      },
      async afterHeal() {
        const deadlineMs = performance.now() + SETTLED_WITHIN_MS
        do {
          await sleep(500)
          connections.after = await connectionsTo(redis)
        } while (connections.after !== connections.before && performance.now() < deadlineMs)
      },
      checks: async () => [
        { name: 'times that Redis went away', checked: times, violations: [], seen: String(times) },
        {
          name: 'there are as many connections to Redis as before',
          checked: connections.before,
          violations:
            connections.after === connections.before
              ? []
              : [`${connections.after}, and ${connections.before} before`],
          seen: String(connections.after),
        },
      ],
    }
  },
})
