import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { RedisCache, type RedisConnection, RedisLock } from '../../adapters/redis/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { describeWithRedis } from '../support/redis.js'
import { NODE_TIMEOUT_MS, RedisCluster } from '../support/redis-cluster.js'
import { isAway, isUp, redisConnections } from '../support/redis-connections.js'

const LONG_MS = 60_000
const DEADLINE_MS = 300
/** What a busy machine adds to a deadline. */
const SLACK_MS = 700

describeWithRedis('a Redis Cluster of which a node fails', () => {
  const { connect } = redisConnections()
  let cluster: RedisCluster

  beforeAll(async () => {
    // By default the others refuse everything once they call a node dead; so they go on with their own slots.
    cluster = await RedisCluster.start({ 'cluster-require-full-coverage': 'no' })
  }, 60_000)

  afterEach(async () => {
    for (const node of cluster.nodes) node.thaw()
  })

  afterAll(async () => {
    await cluster?.stop()
  })

  const connected = async (): Promise<RedisConnection> => {
    const redis = await connect({ url: cluster.urls, isCluster: true }, DEADLINE_MS)
    await isUp(redis)
    return redis
  }

  /** Calls on keys of all nodes for a while, and what the longest took. */
  async function longestCallMs(redis: RedisConnection, forMs: number): Promise<number> {
    const [cache, lock] = [new RedisCache(redis), new RedisLock(redis)]
    const endsAt = performance.now() + forMs
    let longestMs = 0
    while (performance.now() < endsAt) {
      const startedMs = performance.now()
      await Promise.all([
        ...Array.from({ length: 20 }, () => cache.get(randomUUID(), 0)),
        ...Array.from({ length: 20 }, () =>
          lock.tryAcquire(randomUUID(), LONG_MS).catch((error: unknown) => {
            if (!(error instanceof PortUnavailable)) throw error
          }),
        ),
      ])
      longestMs = Math.max(longestMs, performance.now() - startedMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return longestMs
  }

  const worksAgain = async (redis: RedisConnection): Promise<void> => {
    await isUp(redis)
    const cache = new RedisCache(redis)
    for (let key = 0; key < 50; key += 1) {
      await cache.put(`key ${key}`, 1, key, LONG_MS)
      expect(await cache.get(`key ${key}`, 1)).toEqual({ version: 1, value: key })
    }
    expect(redis.health.isUp()).toBe(true)
  }

  it('answers or refuses within the deadline while one is dead, is given up as a whole, and is used again', async () => {
    const redis = await connected()
    await cluster.nodes[0]?.kill()
    expect(await longestCallMs(redis, 2 * NODE_TIMEOUT_MS)).toBeLessThan(DEADLINE_MS + SLACK_MS)
    await isAway(redis)
    const { switches } = redis.health
    // Not up and down by turns, for as long as some of its slots are not served.
    await longestCallMs(redis, 7_000)
    expect(redis.health.switches).toBe(switches)
    await cluster.nodes[0]?.restart()
    await cluster.isWhole()
    await worksAgain(redis)
  }, 90_000)

  it('answers or refuses within the deadline while one is frozen, and is used again', async () => {
    const redis = await connected()
    cluster.nodes[2]?.freeze()
    expect(await longestCallMs(redis, 2 * NODE_TIMEOUT_MS)).toBeLessThan(DEADLINE_MS + SLACK_MS)
    await isAway(redis)
    cluster.nodes[2]?.thaw()
    await cluster.isWhole()
    await worksAgain(redis)
  }, 90_000)

  it('is found again after all of its nodes were away for long', async () => {
    const redis = await connected()
    for (const node of cluster.nodes) await node.kill()
    expect(await longestCallMs(redis, 5_000)).toBeLessThan(DEADLINE_MS + SLACK_MS)
    await isAway(redis)
    for (const node of cluster.nodes) await node.restart()
    await cluster.isWhole()
    await worksAgain(redis)
  }, 90_000)
})
