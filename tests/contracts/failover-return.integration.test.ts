import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import {
  FailoverCache,
  FailoverLock,
  FailoverRateLimit,
  FailoverSessions,
} from '../../adapters/failover/index.js'
import { MemoryCache, MemoryRateLimit } from '../../adapters/memory/index.js'
import {
  PostgresLock,
  PostgresRateLimit,
  PostgresSessions,
  ProcessLease,
} from '../../adapters/postgres/index.js'
import { RedisCache, RedisLock, RedisRateLimit, RedisSessions } from '../../adapters/redis/index.js'
import type { ProxyMode } from '../faults/nemesis/tcp-proxy.js'
import { failingRedis } from '../support/failing-redis.js'
import { openTestLogin } from '../support/postgres-login.js'
import { describeWithRedis } from '../support/redis.js'
import { isUp } from '../support/redis-connections.js'
import { eventually } from './eventually.js'

const LONG_MS = 60_000
const OFTEN = { perMinute: 600, burst: 100 }

describeWithRedis('Redis that returns', () => {
  const { clock, databases, processes, turn, operate } = failingRedis()

  it('is rid of the texts that were taken back while it was away', async () => {
    const [redis] = await processes({ is: 'up' })
    const cache = new FailoverCache(new RedisCache(redis), new MemoryCache(clock), redis.health)
    const rooms = Array.from({ length: 50 }, () => randomUUID())
    for (const room of rooms) await cache.put(`page:${room}:50`, 1, 'taken back', LONG_MS)
    const texts = async () => ((await operate('keys', `${redis.prefix}cache:*`)) as string[]).length
    await eventually('all of them to lie there', async () => (await texts()) === rooms.length)
    await turn({ is: 'down' })
    // The first finds out.
    for (const room of rooms) await cache.drop(`page:${room}:`)
    await eventually('the outage to be noticed', () => !redis.health.isUp())
    expect(await texts()).toBe(rooms.length)
    await turn({ is: 'up' })
    await isUp(redis)
    await eventually('none of them to lie there', async () => (await texts()) === 0)
  })

  it.each<[string, ProxyMode]>([
    ['down', { is: 'down' }],
    ['frozen', { is: 'frozen' }],
    ['reset', { is: 'reset' }],
  ])('after it was %s is used again by every adapter, each of which says so', async (_name, mode) => {
    const [redis] = await processes(mode)
    const [database] = databases()
    const { health, prefix } = redis
    const lock = new FailoverLock(new RedisLock(redis), new PostgresLock(database), health)
    const cache = new FailoverCache(new RedisCache(redis), new MemoryCache(clock), health)
    const local = new MemoryRateLimit(clock)
    const shared = new PostgresRateLimit(database)
    const limits = new FailoverRateLimit(
      new RedisRateLimit(redis),
      { local, shared, processes: () => 2, isGuarded: () => false },
      health,
    )
    const truth = new PostgresSessions(database, new ProcessLease(database))
    const sessions = new FailoverSessions(new RedisSessions(redis, () => false), truth, health, clock)
    const all = [lock, cache, limits, sessions]
    const use = async () => {
      const session = { socketId: randomUUID(), connectedAtMs: 1, ...(await openTestLogin(database)) }
      await sessions.put(session)
      expect(await sessions.find(session.socketId)).toEqual(session)
      expect(await lock.tryAcquire(randomUUID(), LONG_MS)).not.toBeNull()
      expect((await limits.take(randomUUID(), OFTEN)).allowed).toBe(true)
      const key = `page:${randomUUID()}:`
      await cache.put(key, 1, key, LONG_MS)
      expect((await cache.get(key, 1))?.value).toBe(key)
    }
    await use()
    await eventually('the outage to be noticed', () => !health.isUp())
    await use()
    expect(all.map((adapter) => adapter.state().state)).toEqual(Array(4).fill('fallback'))
    const { switches } = lock.state()
    await turn({ is: 'up' })
    await isUp(redis)
    // What was given up may be carried out late, and is taken back.
    await sleep(500)
    await operate('flushall')
    await use()
    for (const adapter of all) {
      expect(adapter.state()).toMatchObject({ state: 'primary', switches: switches + 1 })
      expect(adapter.state().sinceMs).toBeGreaterThan(Date.now() - LONG_MS)
    }
    const written = async () =>
      ((await operate('keys', `${prefix}*`)) as string[]).map((key) => key.slice(prefix.length).split(':')[0])
    await eventually('all of them to have written', async () => {
      const kinds = new Set(await written())
      return ['cache', 'limit', 'lock', 'session'].every((kind) => kinds.has(kind))
    })
  })
})
