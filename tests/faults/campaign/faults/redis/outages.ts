import { setTimeout as sleep } from 'node:timers/promises'
import type { Heal } from '../../../nemesis/process-actions.js'
import {
  demoteRedis,
  fillRedis,
  killRedis,
  occupyRedis,
  reloadRedis,
  rotatePassword,
  takeSnapshot,
} from '../../../nemesis/redis-actions.js'
import type { Fault, Moments } from '../../fault.js'
import { type RedisFaultParts, type RedisWorld, redisFault } from './redis-fault.js'

type Outage = Pick<RedisFaultParts, 'name' | 'title' | 'scale' | 'topology'> & {
  readonly forMs: number
  readonly act: string
  begin(world: RedisWorld, moments: Moments): Promise<Heal>
}

/** Redis is of no use to anybody for a while, however that looks on the wire: it is given up, and nobody notices. */
const outage = ({ name, title, scale, topology, forMs, act, begin }: Outage): Fault =>
  redisFault({
    name,
    title,
    ...(scale === undefined ? {} : { scale }),
    ...(topology === undefined ? {} : { topology }),
    givenUpBy: 'all',
    unnoticed: { deliveredWithinMs: 1_000 },
    schedule: (draw) => [{ atMs: draw.between(0, 1_000), forMs, act, target: 'redis', redis: 'away' }],
    start: (world) => ({
      async inject(_step, moments) {
        moments.began()
        const heal = await begin(world, moments)
        return async () => {
          await heal()
          moments.over()
        }
      },
    }),
  })

/** That are lost with the failover. */
const LAST_WRITES_MS = 2_000

async function failOver({ redis }: RedisWorld, moments: Moments): Promise<Heal> {
  const snapshot = await takeSnapshot(redis)
  await sleep(LAST_WRITES_MS)
  moments.began()
  const heal = await demoteRedis(redis, snapshot)
  await snapshot.remove()
  return heal
}

/** On each way; there and back it is 500 ms ± 400 ms. */
const SLOW = { is: 'slow', delayMs: 250, jitterMs: 200 } as const

async function slowDown({ instances }: RedisWorld): Promise<Heal> {
  const set = (mode: typeof SLOW | { readonly is: 'up' }) =>
    Promise.all(instances.map(({ toRedis }) => toRedis?.set(mode)))
  await set(SLOW)
  return async () => {
    await set({ is: 'up' })
  }
}

const WITH_PASSWORD = { redis: { config: { requirepass: 'the-old-password' } } }
const LOADING_MS = 6_000

export const OUTAGES: readonly Fault[] = [
  outage({
    name: 'R1',
    title: 'Redis is killed (kill -9) under load and is back after 10 s',
    forMs: 10_000,
    act: 'SIGKILL',
    begin: ({ redis }) => killRedis(redis, null),
  }),
  outage({
    name: 'R5',
    title: 'after a failover that lost the last writes, servers are led to a replica (READONLY) for 8 s',
    forMs: 8_000,
    act: 'READONLY',
    begin: failOver,
  }),
  outage({
    name: 'R6',
    title: 'Redis is full and refuses writes (OOM) for 8 s',
    forMs: 8_000,
    act: 'OOM',
    begin: ({ redis }) => fillRedis(redis),
  }),
  outage({
    name: 'R8',
    title: 'Redis answers after 500 ms ± 400 ms for 10 s',
    forMs: 10_000,
    act: '+500 ms',
    begin: slowDown,
  }),
  outage({
    name: 'R15-loading',
    title: 'Redis is restarted and answers LOADING for 6 s',
    forMs: LOADING_MS,
    act: 'LOADING',
    begin: ({ redis }) => reloadRedis(redis, { forMs: LOADING_MS }),
  }),
  outage({
    name: 'R15-busy',
    title: 'a script holds Redis up (BUSY) for 5 s',
    forMs: 5_000,
    act: 'BUSY',
    begin: ({ redis }) => occupyRedis(redis),
  }),
  outage({
    name: 'R15-password',
    title: 'the password of Redis changes and the servers have the old one for 6 s',
    topology: WITH_PASSWORD,
    forMs: 6_000,
    act: 'NOAUTH',
    begin: ({ redis }) => rotatePassword(redis),
  }),
]
