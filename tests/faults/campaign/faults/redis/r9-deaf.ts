import { setTimeout as sleep } from 'node:timers/promises'
import {
  endSubscriptions,
  floodChannel,
  limitOutput,
  type RedisTarget,
  subscriberIds,
} from '../../../nemesis/redis-actions.js'
import { holdPushes } from '../../../nemesis/redis-links.js'
import type { TcpProxy } from '../../../nemesis/tcp-proxy.js'
import type { Check, Fault } from '../../fault.js'
import type { World } from '../../world.js'
import { anInstance, rounds } from '../rounds.js'
import { redisFault } from './redis-fault.js'
import { CHANNEL } from './wire.js'

/** Whoever hears one only, and whoever hears both, must agree. */
const THREE = { minProcesses: 3 }
const SCALE = 'three instances'
const KILL_EVERY_MS = 3_000
const FLOOD_WITHIN_MS = 15_000
/** Longer than the bus waits for its own messages before it listens anew. */
const DEAF_MS = 14_000
const LISTENS_AGAIN_WITHIN_MS = 30_000

/** Nothing fails: commands are answered, and what others publish is not heard. It is found by the sweep (L4, L7). */
export const subscriptionsCut: Fault = redisFault({
  name: 'R9',
  title: 'only the connections that listen are cut, again and again; commands are answered',
  scale: SCALE,
  topology: THREE,
  unnoticed: { deliveredWithinMs: null },
  schedule: (_draw, scene) =>
    rounds(scene, KILL_EVERY_MS, () => ({ forMs: 0, act: 'CLIENT KILL TYPE pubsub', target: 'redis' }), 3),
  start({ redis, instances }) {
    let cut = 0
    let listening: readonly string[] = []
    return {
      async inject() {
        cut += await endSubscriptions(redis)
        return undefined
      },
      async afterHeal() {
        listening = await untilListening(redis, instances.length)
      },
      checks: async () => [
        { name: 'connections that listened and were cut', checked: cut, violations: [], seen: String(cut) },
        listenersCheck(listening, instances.length),
      ],
    }
  },
})

export const slowListener: Fault = redisFault({
  name: 'R10',
  title: 'Redis cuts an instance that listens and does not read, by its output-buffer limit',
  scale: SCALE,
  topology: THREE,
  unnoticed: { deliveredWithinMs: null },
  schedule: (draw, scene) => [
    { atMs: 0, forMs: 2_000, act: 'read nothing', target: anInstance(draw, scene) },
  ],
  start(world) {
    const { redis, instances } = world
    let cut: readonly string[] = []
    let listening: readonly string[] = []
    return {
      async inject({ target }, moments) {
        const toRedis = linkOf(world, target)
        const healLimit = await limitOutput(redis)
        moments.began()
        const held = holdPushes(toRedis)
        cut = await floodChannel(redis, { channel: CHANNEL, withinMs: FLOOD_WITHIN_MS })
        return async () => {
          await held.heal()
          moments.over()
          await healLimit()
        }
      },
      async afterHeal() {
        listening = await untilListening(redis, instances.length)
      },
      checks: async () => [
        { name: 'listeners that Redis cut', checked: cut.length, violations: [] },
        listenersCheck(listening, instances.length),
      ],
    }
  },
})

export const cutOff: Fault = redisFault({
  name: 'R11',
  title: 'one instance is cut off from Redis alone, with and without a word',
  scale: SCALE,
  topology: THREE,
  givenUpBy: 'target',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: (draw, scene) =>
    ['down', 'frozen'].map((act, round) => ({
      atMs: round * 14_000,
      forMs: 8_000,
      act,
      target: anInstance(draw, scene),
      redis: 'away',
    })),
  start: (world) => ({
    async inject({ act, target }, moments) {
      const toRedis = linkOf(world, target)
      moments.began()
      await toRedis.set({ is: act as 'down' | 'frozen' })
      return async () => {
        await toRedis.set({ is: 'up' })
        moments.over()
      }
    },
  }),
})

export const oneWay: Fault = redisFault({
  name: 'R12',
  title: 'one instance publishes to Redis and hears nothing from it, though it listens',
  scale: SCALE,
  topology: THREE,
  unnoticed: { deliveredWithinMs: null },
  schedule: (draw, scene) => [
    { atMs: 0, forMs: DEAF_MS, act: 'hear nothing', target: anInstance(draw, scene) },
  ],
  start(world) {
    let withheld = 0
    return {
      async inject({ target }, moments) {
        moments.began()
        const held = holdPushes(linkOf(world, target))
        return async () => {
          withheld = held.pushes()
          await held.heal()
          moments.over()
        }
      },
      checks: async () => [
        {
          name: 'connections whose messages were withheld',
          checked: withheld,
          violations: [],
          seen: String(withheld),
        },
      ],
    }
  },
})

function linkOf(world: World, target: string): TcpProxy {
  const { toRedis } = world.instance(target)
  if (toRedis === null) throw new Error(`there is no proxy between ${target} and Redis`)
  return toRedis
}

async function untilListening(redis: RedisTarget, count: number): Promise<readonly string[]> {
  const deadlineMs = performance.now() + LISTENS_AGAIN_WITHIN_MS
  for (;;) {
    const ids = await subscriberIds(redis)
    if (ids.length === count || performance.now() > deadlineMs) return ids
    await sleep(200)
  }
}

const listenersCheck = ({ length }: readonly string[], instances: number): Check => ({
  name: 'every instance listens again, over one connection',
  checked: instances,
  violations: length === instances ? [] : [`${length} connections listen, of ${instances} instances`],
})
