import { setTimeout as sleep } from 'node:timers/promises'
import { restartPostgres } from '../../../nemesis/postgres-actions.js'
import { kill } from '../../../nemesis/process-actions.js'
import { freezeRedis, killRedis } from '../../../nemesis/redis-actions.js'
import type { Check, Fault, Heal, Step } from '../../fault.js'
import { Crowd } from '../crowd.js'
import { anInstance } from '../rounds.js'
import { type RedisFaultParts, type RedisWorld, redisFault } from './redis-fault.js'

/** Of a world that mends itself: nothing may keep it down once what brought it down is over. */
const HEALTHY_WITHIN_MS = 120_000
const LOOK_EVERY_MS = 500

type Double = Pick<
  RedisFaultParts,
  'name' | 'title' | 'scale' | 'workload' | 'readersPerRoom' | 'schedule'
> & {
  prepare?(world: RedisWorld): Promise<void>
  begin(world: RedisWorld, step: Step): Promise<Heal>
}

/** Two faults at once, after which everything must be well again, unaided. */
const double = ({ prepare, begin, ...fault }: Double): Fault =>
  redisFault({
    ...fault,
    usedAgainWithinMs: HEALTHY_WITHIN_MS,
    start(world) {
      let healedMs = 0
      let healthyMs: number | null = null
      return {
        prepare: async () => prepare?.(world),
        async inject(step, moments) {
          moments.began()
          const heal = await begin(world, step)
          return async () => {
            await heal()
            moments.over()
            healedMs = performance.now()
          }
        },
        async afterHeal() {
          while (healthyMs === null && performance.now() - healedMs < HEALTHY_WITHIN_MS)
            if (await isHealthy(world)) healthyMs = performance.now() - healedMs
            else await sleep(LOOK_EVERY_MS)
        },
        checks: async () => [healthy(world, healthyMs)],
      }
    },
  })

/** Every server is ready with nothing degraded, and everybody who is signed in is online. */
async function isHealthy({ instances, devices }: RedisWorld): Promise<boolean> {
  const ready = await Promise.all(
    instances.map(async ({ url }) => {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => null)
      const answer = (await response?.json().catch(() => null)) as { readonly status?: string } | null
      return answer?.status === 'ok'
    }),
  )
  return ready.every(Boolean) && devices.all.every((device) => device.isOnline || !device.isSignedIn)
}

const healthy = ({ instances, devices }: RedisWorld, afterMs: number | null): Check => ({
  name: 'everything is well again by itself',
  checked: instances.length + devices.all.length,
  violations: afterMs === null ? [`not within ${HEALTHY_WITHIN_MS / 1_000} s`] : [],
  ...(afterMs === null ? {} : { seen: `after ${(afterMs / 1_000).toFixed(1)} s` }),
})

const redisAndInstance = double({
  name: 'X1',
  title: 'Redis is killed, and an instance as well',
  schedule: (draw, scene) => [
    { atMs: 0, forMs: 10_000, act: 'SIGKILL', target: 'redis', redis: 'away' },
    { atMs: 2_000, forMs: 3_000, act: 'SIGKILL', target: anInstance(draw, scene), kills: true },
  ],
  begin: (world, { target }) =>
    target === 'redis' ? killRedis(world.redis, null) : kill(world.instance(target)),
})

const redisAndPostgres = double({
  name: 'X2',
  title: 'Redis stands still, and Postgres is restarted meanwhile',
  schedule: () => [
    { atMs: 0, forMs: 12_000, act: 'SIGSTOP', target: 'redis', redis: 'away' },
    { atMs: 3_000, forMs: 0, act: 'restart', target: 'postgres', suspends: ['L7', 'L10'] },
  ],
  begin: ({ redis, database }, { target }) =>
    target === 'redis' ? freezeRedis(redis) : restartPostgres(database),
})

const CROWD = { people: 25, tabsEach: 20, rooms: 5 }
const BACK_WITHIN_MS = 60_000

const stormOnEmpty: Fault = double({
  name: 'X3',
  title: 'all clients of a crowd lose their connections while Redis comes back empty, under high load',
  scale: `${CROWD.people * CROWD.tabsEach} clients, 90 operations a second for 80 % load`,
  readersPerRoom: 1,
  workload: { operationsPerSecond: 90 },
  schedule: () => [
    { atMs: 2_000, forMs: 0, act: 'SIGKILL, and reset all connections', target: 'redis', redis: 'away' },
  ],
  ...storm(),
})

function storm(): Pick<Double, 'prepare' | 'begin'> {
  let crowd: Crowd | null = null
  return {
    async prepare(world) {
      crowd = await Crowd.gather(world, CROWD)
    },
    async begin({ redis }) {
      const heal = await killRedis(redis, null)
      await heal()
      for (const proxy of crowd?.proxies ?? []) proxy.cut()
      return async () => void (await crowd?.allBack(BACK_WITHIN_MS))
    },
  }
}

export const DOUBLES: readonly Fault[] = [redisAndInstance, redisAndPostgres, stormOnEmpty]
