import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RedisBus, RedisCache, type RedisConnection, RedisLock } from '../../adapters/redis/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { isAway, isUp, operate, redisConnections } from '../support/redis-connections.js'
import { DOWN_AFTER_MS, SentinelSet } from '../support/redis-sentinels.js'
import { eventually } from './eventually.js'

const LONG_MS = 60_000
const DEADLINE_MS = 300
/** The Sentinel waits for up to a second before it promotes, and sees a second later that it has; we probe each 2 s, twice. */
const USED_AGAIN_WITHIN_MS = DOWN_AFTER_MS + 14_000

describeWithRedis('a Redis watched over by a Sentinel', () => {
  const { connect } = redisConnections()
  const buses: RedisBus[] = []
  const strangers: RedisServer[] = []
  let set: SentinelSet

  beforeEach(async () => {
    set = await SentinelSet.start()
  }, 60_000)

  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close()
    for (const stranger of strangers.splice(0)) {
      stranger.thaw()
      await stranger.stop()
    }
    await set?.stop()
  })

  const connected = async (): Promise<RedisConnection> => {
    const redis = await connect(set.options, DEADLINE_MS)
    await isUp(redis)
    return redis
  }

  const openBus = (redis: RedisConnection): RedisBus => {
    const bus = new RedisBus(redis)
    buses.push(bus)
    return bus
  }

  /** What the process hears on a topic from now on. */
  async function listening(redis: RedisConnection, bus = openBus(redis)): Promise<string[]> {
    const heard: string[] = []
    await bus.subscribe('topic', (message) => heard.push(String(message)))
    return heard
  }

  async function everythingWorks(redis: RedisConnection, heard: string[]): Promise<void> {
    const [cache, lock, bus] = [new RedisCache(redis), new RedisLock(redis), openBus(redis)]
    const key = randomUUID()
    await cache.put(key, 1, 'value', LONG_MS)
    expect(await cache.get(key, 1)).toEqual({ version: 1, value: 'value' })
    const held = await lock.tryAcquire(key, LONG_MS)
    expect(await lock.tryAcquire(key, LONG_MS)).toBeNull()
    expect(await held?.release()).toBe(true)
    await eventually('a message to be heard', async () => {
      await bus.publish('topic', key)
      return heard.includes(key)
    })
    expect(redis.health.isUp()).toBe(true)
  }

  /** Uses the other server within the bound, and that one alone. */
  async function isUsedAgain(redis: RedisConnection, former: RedisServer, heard: string[]): Promise<void> {
    await eventually('the other server to be used', () => redis.health.isUp(), USED_AGAIN_WITHIN_MS)
    const master = await set.master()
    expect(master.port).not.toBe(former.port)
    await operate(master.url, 'flushall')
    await everythingWorks(redis, heard)
    expect(await operate(`${master.url}/2`, 'dbsize')).toBeGreaterThan(0)
  }

  it('goes on with the replica when the master is killed, and when that one comes back', async () => {
    const redis = await connected()
    const heard = await listening(redis)
    await everythingWorks(redis, heard)
    const former = await set.master()
    await former.kill()
    await isAway(redis)
    await isUsedAgain(redis, former, heard)
    await former.restart()
    await set.isWhole()
    await isUsedAgain(redis, former, heard)
  }, 90_000)

  it('goes on with the replica when the master stands still, and when that one goes on', async () => {
    const redis = await connected()
    const heard = await listening(redis)
    const former = await set.master()
    former.freeze()
    await isAway(redis)
    await isUsedAgain(redis, former, heard)
    former.thaw()
    await set.isWhole()
    await isUsedAgain(redis, former, heard)
  }, 90_000)

  it('goes on with the replica when an operator has them change places', async () => {
    const redis = await connected()
    const heard = await listening(redis)
    const former = await set.master()
    await set.switchOver()
    await eventually('the places to change', async () => (await set.master()) !== former, 30_000)
    // Until then the former master takes writes, and is used.
    await set.isWhole()
    await isUsedAgain(redis, former, heard)
  }, 90_000)

  it('is found by another Sentinel when one stands still', async () => {
    const frozen = await RedisServer.start()
    strangers.push(frozen)
    frozen.freeze()
    const url = new URL(set.sentinel.url)
    url.port = String(frozen.port)
    const { sentinels, ...options } = set.options
    const urls = [url.href, ...sentinels.urls] as const
    const redis = await connect({ ...options, sentinels: { ...sentinels, urls } })
    await isUp(redis)
    await everythingWorks(redis, await listening(redis))
  }, 60_000)

  it('is looked for as long as there is no Sentinel', async () => {
    await set.sentinel.kill()
    const startedMs = performance.now()
    const redis = await connect(set.options, DEADLINE_MS)
    expect(performance.now() - startedMs).toBeLessThan(3_000)
    const bus = openBus(redis)
    await expect(listening(redis, bus)).rejects.toBeInstanceOf(PortUnavailable)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(redis.health.isUp()).toBe(false)
    await set.sentinel.restart()
    await eventually('Redis to be used', () => redis.health.isUp(), USED_AGAIN_WITHIN_MS)
    await everythingWorks(redis, await listening(redis, bus))
  }, 60_000)

  it('tells what is wrong where the Sentinel knows no master of that name', async () => {
    const told: unknown[] = []
    const { sentinels, ...options } = set.options
    const unknown = { ...sentinels, masterName: 'another' }
    const redis = await connect({ ...options, sentinels: unknown, onError: (error) => told.push(error) })
    expect(redis.health.state).toBe('down')
    expect(told.length).toBeGreaterThan(0)
    for (const error of told)
      expect(String(error)).toMatch(/127\.0\.0\.1:\d+.*(No such master|invalid reply)/)
  })
})
