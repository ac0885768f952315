import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Composition, compose } from '../../apps/server/composition/index.js'
import { showPorts } from '../../apps/server/ops/port-metrics.js'
import { SocketNotices } from '../../apps/server/realtime/socket-notices.js'
import { unwrap } from '../../apps/testing/index.js'
import { PASSWORD, until } from '../support/person.js'
import { migratedDatabase, type TestDatabase } from '../support/postgres.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'

const LONG_MS = 60_000

describeWithRedis('two processes composed on one Redis', () => {
  const authSecret = randomBytes(48).toString('base64url')
  let server: RedisServer
  let database: TestDatabase
  let one: Composition
  let other: Composition

  beforeAll(async () => {
    server = await RedisServer.start()
    database = await migratedDatabase()
  })
  afterAll(async () => {
    await server?.stop()
    await database?.drop()
  })

  /** Null: without Redis. */
  const composed = (prefix: string | null, sessionMs = LONG_MS): Promise<Composition> =>
    compose({
      authSecret,
      notices: new SocketNotices(),
      database: { url: database.url },
      shared: true,
      redis: prefix === null ? null : { urls: [server.url], prefix, onChange: () => undefined },
      limitFactor: 1,
      sessionMaxMs: 86_400_000,
      lifetimes: { sessionMs, messagesMs: LONG_MS },
      cacheBounds: { maxEntries: 2, maxBytes: 10_000 },
      onError: () => undefined,
    })
  const isOnRedis = ({ reports }: Composition) => reports.failover().every(({ state }) => state === 'primary')
  const isOnRest = ({ reports }: Composition) => reports.failover().every(({ state }) => state === 'fallback')

  beforeEach(async () => {
    const prefix = `${randomUUID()}:`
    ;[one, other] = await Promise.all([composed(prefix), composed(prefix)])
    await until('both are on Redis', () => isOnRedis(one) && isOnRedis(other))
  })
  afterEach(async () => {
    server.thaw()
    for (const { parley, close } of [one, other]) {
      parley.stop()
      await close()
    }
  })

  const signedIn = async ({ parley, ports }: Composition) => {
    const email = `${randomUUID()}@example.org`
    const from = { userAgent: null, ip: '127.0.0.1' }
    const { user, accessToken } = unwrap(
      await parley.signUp.execute({ email, password: PASSWORD, displayName: 'Nora', ...from }),
    )
    const { actor } = unwrap(await parley.authenticate.execute(accessToken))
    expect(ports.limits.scope).toBe('cluster')
    return { user, actor }
  }
  const locksBy = ({ reports }: Composition, answeredBy: string) =>
    reports.locks().find(({ by }) => by === answeredBy)?.counts
  const countsOf = ({ reports }: Composition, tier: string) =>
    reports.caches().find((report) => report.cache === 'sessions' && report.tier === tier)

  it('tell of each adapter that has another behind it', () => {
    const ports = one.reports.failover().map(({ port }) => port)
    expect(ports.toSorted()).toEqual([
      'BusPort',
      'CachePort',
      'LockPort',
      'PresencePort',
      'RateLimitPort',
      'SessionPort',
    ])
  })

  it('share a lock, whether Redis is there or not', async () => {
    const held = await one.lock.tryAcquire('message:1', LONG_MS)
    expect(await other.lock.tryAcquire('message:1', LONG_MS)).toBeNull()
    expect(await held?.release()).toBe(true)
    expect([locksBy(one, 'redis'), locksBy(other, 'redis')]).toMatchObject([{ taken: 1 }, { busy: 1 }])
    await server.kill()
    await until('neither is on Redis', async () => {
      await Promise.all([one, other].map(({ lock }) => lock.tryAcquire(randomUUID(), 1)))
      return isOnRest(one) && isOnRest(other)
    })
    const again = await one.lock.tryAcquire('message:2', LONG_MS)
    expect(await other.lock.tryAcquire('message:2', LONG_MS)).toBeNull()
    expect(await again?.release()).toBe(true)
    expect([locksBy(one, 'redis'), locksBy(other, 'redis')]).toMatchObject([{ taken: 1 }, { busy: 1 }])
    expect(locksBy(other, 'postgres')).toMatchObject({ busy: 1, failed: 0 })
    await server.restart()
    await until('both are back on Redis', () => isOnRedis(one) && isOnRedis(other), 30_000)
    expect(one.reports.failover().every(({ switches }) => switches >= 2)).toBe(true)
  })

  it('tell of each limit whether Redis, Postgres or their own share was asked', async () => {
    const allowedBy = () =>
      Object.fromEntries(one.reports.limits().map(({ by, counts }) => [by, counts.allowed]))
    const limit = { perMinute: 60, burst: 60 }
    await one.ports.limits.take('send:1', limit)
    expect(allowedBy()).toEqual({ redis: 1, postgres: 0, memory: 0 })
    await server.kill()
    await until('it is not on Redis', async () => {
      await one.lock.tryAcquire(randomUUID(), 1)
      return isOnRest(one)
    })
    await one.ports.limits.take('send:1', limit)
    await one.ports.limits.take('sign-in:1', limit)
    expect(allowedBy()).toEqual({ redis: 1, postgres: 1, memory: 1 })
    await server.restart()
  })

  it('hold no more in their memory than they may', async () => {
    const alone = await composed(null)
    try {
      for (const { ports, reports } of [one, alone]) {
        for (const key of ['one', 'two', 'three']) await ports.cache.put(`session:${key}:`, 1, key, LONG_MS)
        await ports.cache.put('page:large:', 1, 'x'.repeat(10_000), LONG_MS)
        const kept = reports.caches().filter(({ tier }) => tier === 'memory')
        expect(kept.map(({ cache, entries }) => [cache, entries])).toEqual(
          expect.arrayContaining([
            ['sessions', 2],
            ['messages', 0],
          ]),
        )
      }
    } finally {
      alone.parley.stop()
      await alone.close()
    }
  })

  it('share what one of them remembers of a session', async () => {
    await Promise.all([one, other].map(({ parley }) => parley.start()))
    const { user, actor } = await signedIn(one)
    const reader = await composed('elsewhere:')
    try {
      await reader.parley.start()
      // Known to neither of them as a socket of its own.
      unwrap(await reader.parley.registerUser.execute(actor, { socketId: 'socket' }))
      expect(unwrap(await one.parley.findUserBySocket.execute({ socketId: 'socket' })).userId).toBe(user.id)
      await until('it is stored', () => countsOf(one, 'redis')?.fills === 1)
      expect(unwrap(await other.parley.findUserBySocket.execute({ socketId: 'socket' })).userId).toBe(user.id)
      expect(countsOf(other, 'redis')).toMatchObject({ hits: 1, fills: 0 })
      const nearHits = countsOf(other, 'memory')?.hits ?? 0
      expect(unwrap(await other.parley.findUserBySocket.execute({ socketId: 'socket' })).userId).toBe(user.id)
      expect(countsOf(other, 'memory')).toMatchObject({ hits: nearHits + 1 })
      expect(countsOf(other, 'redis')).toMatchObject({ hits: 1 })
    } finally {
      reader.parley.stop()
      await reader.close()
    }
  })

  it('hold a session in Redis once, for as long as one of them asks for it again and again', async () => {
    const prefix = `${randomUUID()}:`
    const sessionMs = 2_000
    const redis = new Redis(server.url)
    const [reader, asker] = [await composed(prefix, sessionMs), await composed(prefix, sessionMs)]
    try {
      await until('both are on Redis', () => isOnRedis(reader) && isOnRedis(asker))
      await Promise.all([reader, asker].map(({ parley }) => parley.start()))
      const { user, actor } = await signedIn(reader)
      unwrap(await reader.parley.registerUser.execute(actor, { socketId: 'socket' }))
      const askedMs = performance.now()
      while (performance.now() - askedMs < 3 * sessionMs) {
        const found = unwrap(await asker.parley.findUserBySocket.execute({ socketId: 'socket' }))
        expect(found.userId).toBe(user.id)
        expect(await redis.keys(`${prefix}*session*`)).toHaveLength(1)
        await sleep(20)
      }
      // Most are answered from memory, and none by the store behind Redis.
      const { hits, misses, fills } = countsOf(asker, 'redis') ?? {}
      expect({ misses, fills }).toEqual({ misses: 0, fills: 0 })
      expect(hits).toBeGreaterThan(2)
      expect(countsOf(asker, 'memory')?.hits).toBeGreaterThan(3 * Number(hits))
    } finally {
      redis.disconnect()
      for (const { parley, close } of [reader, asker]) {
        parley.stop()
        await close()
      }
    }
  })

  it('forget the session of a socket without a walk through all keys', async () => {
    const redis = new Redis(server.url)
    try {
      await redis.config('RESETSTAT')
      const { user, actor } = await signedIn(one)
      unwrap(await one.parley.registerUser.execute(actor, { socketId: 'gone' }))
      unwrap(await one.parley.disconnectUser.execute({ socketId: 'gone', userId: user.id }))
      expect(await redis.info('commandstats')).toMatch(/cmdstat_evalsha/)
      expect(await redis.info('commandstats')).not.toMatch(/cmdstat_scan/)
    } finally {
      redis.disconnect()
    }
  })

  it('are in doubt about their bus while Redis is away, and no longer', async () => {
    expect(one.ports.bus.isInDoubt?.()).toBe(false)
    server.freeze()
    await one.lock.tryAcquire(randomUUID(), 1)
    expect(one.ports.bus.isInDoubt?.()).toBe(true)
    server.thaw()
    await until('it is no longer in doubt', () => one.ports.bus.isInDoubt?.() === false, 30_000)
  })

  it('tell what Redis takes, and nothing of a frozen one', async () => {
    const report = await one.reports.redis?.()
    expect(report?.state).toBe('up')
    expect(report?.memoryBytes).toBeGreaterThan(100_000)
    expect(report?.latencyMs).toBeGreaterThan(0)
    // Of the last second or two; each report is some commands itself.
    await until(
      'Redis has counted',
      async () => ((await one.reports.redis?.())?.operationsPerSecond ?? 0) > 0,
    )
    server.freeze()
    const startedAt = performance.now()
    expect(await one.reports.redis?.()).toMatchObject({ memoryBytes: null, latencyMs: null })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('tell how much Redis has thrown away to make room, and nothing while it is frozen', async () => {
    const redis = new Redis(server.url)
    const registry = new Registry()
    showPorts(registry, one.reports)
    const shown = async () =>
      /^parley_redis_evicted_keys_total (\d+)$/m.exec(await registry.metrics())?.[1] ?? null
    try {
      expect(await shown()).toBe('0')
      await redis.config('SET', 'maxmemory-policy', 'volatile-lru')
      await redis.config('SET', 'maxmemory', '6mb')
      const value = 'x'.repeat(50_000)
      for (let index = 0; index < 200; index += 1) await redis.set(`filler:${index}`, value, 'PX', LONG_MS)
      const evicted = Number(/^evicted_keys:(\d+)/m.exec(await redis.info('stats'))?.[1])
      expect(evicted).toBeGreaterThan(0)
      // Whatever is written meanwhile makes room as well.
      expect(Number(await shown())).toBeGreaterThanOrEqual(evicted)
      expect((await one.reports.redis?.())?.evictedKeys).toBeGreaterThanOrEqual(evicted)
      server.freeze()
      expect(await shown()).toBeNull()
    } finally {
      server.thaw()
      await redis.config('SET', 'maxmemory', '0')
      redis.disconnect()
    }
  })

  it('close at once on a frozen Redis', async () => {
    const third = await composed('third:')
    const { actor } = await signedIn(third)
    unwrap(await third.parley.registerUser.execute(actor, { socketId: 'held' }))
    server.freeze()
    const startedAt = performance.now()
    const closed = third.close().then(() => performance.now() - startedAt)
    const late = sleep(10_000, Number.POSITIVE_INFINITY, { ref: false })
    expect(await Promise.race([closed, late])).toBeLessThan(3_000)
  })
})
