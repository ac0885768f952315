import { killRedis } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { readAnywhere } from '../../workload/operations/reading.js'
import type { World } from '../../world.js'
import { Stampede } from '../stampede.js'
import { redisFault } from './redis-fault.js'

const AWAY_MS = 5_000
const READS = 300

/**
 * Everybody reads everywhere as soon as it is back, and one room once it is used again: no instance may load the page of that one for
 * more than one of those who ask at once. That nobody is answered with something old is judged by the checker.
 */
export const returnsEmpty: Fault = redisFault({
  name: 'R3',
  title: 'Redis comes back empty, and everybody reads',
  scale: `${READS} reads at once`,
  topology: { postgresProxies: true },
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: AWAY_MS, act: 'SIGKILL', target: 'redis', redis: 'away' }],
  start(world) {
    const stampede = new Stampede(world)
    return {
      prepare: () => stampede.prepare(),
      async inject(_step, moments) {
        moments.began()
        const heal = await killRedis(world.redis, null)
        return async () => {
          await heal()
          moments.over()
          await readEverywhere(world)
        }
      },
      afterHeal: () => stampede.run(READS),
      checks: async () => stampede.checks(),
    }
  },
})

const readEverywhere = (world: World) =>
  Promise.all(Array.from({ length: READS }, () => world.operate(readAnywhere)))
