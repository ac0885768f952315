import { setTimeout as sleep } from 'node:timers/promises'
import { killRedis } from '../../../nemesis/redis-actions.js'
import type { Check, Fault } from '../../fault.js'
import { readAnywhere } from '../../workload/operations/reading.js'
import type { World } from '../../world.js'
import { transactionsSoFar } from '../transactions.js'
import { redisFault } from './redis-fault.js'

const AWAY_MS = 5_000
const COUNTED_MS = 5_000
const READS = 300
/** Backends tell what they did within a second. */
const TOLD_WITHIN_MS = 1_200
/** Of what the database bears while Redis is away and it carries everything: what an empty one may cost, with the reads. */
const ALLOWED = { factor: 1.5, perRead: 1 }

type Rates = { readonly away: number; readonly empty: number }

export const returnsEmpty: Fault = redisFault({
  name: 'R3',
  title: 'Redis comes back empty, and everybody reads',
  scale: `${READS} reads at once`,
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: AWAY_MS, act: 'SIGKILL', target: 'redis', redis: 'away' }],
  start(world) {
    let rates: Rates | null = null
    return {
      async inject(_step, moments) {
        moments.began()
        const heal = await killRedis(world.redis, null)
        const away = rateDuring(world, sleep(AWAY_MS - TOLD_WITHIN_MS))
        return async () => {
          const whileAway = await away
          await heal()
          moments.over()
          const empty = await rateDuring(world, Promise.all([readAtOnce(world), sleep(COUNTED_MS)]))
          rates = { away: whileAway, empty }
        }
      },
      checks: async () => [judge(rates)],
    }
  },
})

const readAtOnce = (world: World) =>
  Promise.all(Array.from({ length: READS }, () => world.operate(readAnywhere)))

/** Transactions a second. */
async function rateDuring(world: World, work: Promise<unknown>): Promise<number> {
  const before = await transactionsSoFar(world)
  const startedMs = performance.now()
  await work
  await sleep(TOLD_WITHIN_MS)
  return (1_000 * ((await transactionsSoFar(world)) - before)) / (performance.now() - startedMs)
}

function judge(rates: Rates | null): Check {
  const { away, empty } = rates ?? { away: 0, empty: 0 }
  const bound = ALLOWED.factor * away + (1_000 * ALLOWED.perRead * READS) / COUNTED_MS
  return {
    name: 'transactions of the database when Redis is empty',
    checked: Math.round(empty),
    violations: empty > bound ? [`${Math.round(empty)} a second, over ${Math.round(bound)}`] : [],
    seen: `${Math.round(empty)} a second, and ${Math.round(away)} while Redis was away`,
  }
}
