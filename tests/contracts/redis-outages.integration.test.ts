import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  RedisCache,
  type RedisConnection,
  RedisLock,
  RedisRateLimit,
  RedisSessions,
} from '../../adapters/redis/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { isAway, isUp, operate, redisConnections } from '../support/redis-connections.js'
import { eventually } from './eventually.js'

const LONG_MS = 60_000

describeWithRedis('a Redis that fails', () => {
  let server: RedisServer
  const { connect: connectTo } = redisConnections()
  const connect = (commandDeadlineMs?: number): Promise<RedisConnection> =>
    connectTo({ url: server.url }, commandDeadlineMs)

  beforeEach(async () => {
    server = await RedisServer.start()
  })

  afterEach(async () => {
    server.thaw()
    await server.stop()
  })

  it('costs the calls of one moment a deadline, and those after it nothing, while it is frozen (fault R2, pitfall 3)', async () => {
    const redis = await connect(200)
    const cache = new RedisCache(redis)
    await isUp(redis)
    server.freeze()
    const startedMs = performance.now()
    await Promise.all(Array.from({ length: 200 }, () => cache.get(randomUUID(), 0)))
    for (let call = 0; call < 1_000; call += 1) await cache.get(randomUUID(), 0)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    await isAway(redis)
    server.thaw()
    await isUp(redis)
    await cache.put('key', 1, 'value', LONG_MS)
    expect(await cache.get('key', 1)).toEqual({ version: 1, value: 'value' })
  })

  it('leaves no lock behind that an attempt took after it was given up (fault R2, pitfalls 4 and 8)', async () => {
    const [redis, other] = [await connect(), await connect()]
    await Promise.all([isUp(redis), isUp(other)])
    const [lock, peer] = [new RedisLock(redis), new RedisLock(other)]
    const key = randomUUID()
    server.freeze()
    await expect(lock.tryAcquire(key, LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    server.thaw()
    await Promise.all([isUp(redis), isUp(other)])
    await eventually('the lock to be free', async () => (await peer.tryAcquire(key, LONG_MS)) !== null)
  })

  it('gives a lock back that could not be released while it was away', async () => {
    const redis = await connect()
    await isUp(redis)
    const lock = new RedisLock(redis)
    const key = randomUUID()
    const held = await lock.tryAcquire(key, LONG_MS)
    server.freeze()
    await expect(lock.tryAcquire('another', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    await isAway(redis)
    expect(await held?.release()).toBe(false)
    server.thaw()
    await isUp(redis)
    await eventually('the lock to be free', async () => (await lock.tryAcquire(key, LONG_MS)) !== null)
  })

  it('is asked a few times to take a lock back, and not for ever, where it fails at that alone', async () => {
    const proxy = await TcpProxy.start(server.url)
    try {
      const redis = await connectTo({ url: proxy.url, pauseMs: 20, longestPauseMs: 20, doubtsToOpen: 1_000 })
      await isUp(redis)
      const held = await new RedisLock(redis).tryAcquire('key', LONG_MS)
      let asked = 0
      proxy.tapWith(() => (chunk, way) => {
        if (way === 'to-client' || !/eval/i.test(chunk.toString('latin1'))) return 'pass'
        asked += 1
        return 'reset'
      })
      expect(await held?.release()).toBe(false)
      await eventually('the lock to be given up', () => asked === 4)
      await isUp(redis)
      await sleep(2_000)
      expect(asked).toBe(4)
    } finally {
      await proxy.close()
    }
  })

  it('is not asked to take back what it was never asked for (pitfall 4)', async () => {
    const redis = await connect()
    await isUp(redis)
    const lock = new RedisLock(redis)
    server.freeze()
    await expect(lock.tryAcquire('first', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    for (let attempt = 0; attempt < 50; attempt += 1)
      await expect(lock.tryAcquire('another', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    server.thaw()
    await isUp(redis)
    // In order on one connection, so that what was sent before has been carried out.
    let tries = 0
    await eventually('the lock to be free', async () => {
      tries += 1
      return (await lock.tryAcquire('first', LONG_MS)) !== null
    })
    const sent = String(await operate(server.url, 'info', 'commandstats'))
    const evals = [...sent.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, calls]) => Number(calls))
    // Two attempts at most were sent while it was frozen, and are taken back; scripts that are new to Redis are sent twice.
    expect(evals.reduce((sum, calls) => sum + calls, 0)).toBeLessThanOrEqual(tries + 2 + 2 + 2)
  })

  it('carries out nothing of ten thousand calls that came while it was away (pitfalls 3 and 4)', async () => {
    const redis = await connect()
    await isUp(redis)
    const [cache, limits, lock] = [new RedisCache(redis), new RedisRateLimit(redis), new RedisLock(redis)]
    const sessions = new RedisSessions(redis, () => false)
    await operate(server.url, 'config', 'resetstat')
    server.freeze()
    await expect(sessions.remove('first')).rejects.toBeInstanceOf(PortUnavailable)
    for (let round = 0; round < 2_500; round += 1)
      await Promise.all([
        cache.put(`page:room:${round}`, 1, 'value', LONG_MS),
        expect(limits.take('key', { perMinute: 1, burst: 1 })).rejects.toBeInstanceOf(PortUnavailable),
        expect(lock.tryAcquire(`key ${round}`, LONG_MS)).rejects.toBeInstanceOf(PortUnavailable),
        expect(sessions.remove(`socket ${round}`)).rejects.toBeInstanceOf(PortUnavailable),
      ])
    server.thaw()
    await isUp(redis)
    const sent = String(await operate(server.url, 'info', 'commandstats'))
    const calls = [...sent.matchAll(/cmdstat_(?:eval|evalsha|set|del):calls=(\d+)/g)]
    // The first one, and probes.
    expect(calls.reduce((sum, [, count]) => sum + Number(count), 0)).toBeLessThan(30)
    expect(await operate(server.url, 'dbsize')).toBe(1)
  })

  it('lets no fill win that was given up and came late (fault R20, pitfall 4)', async () => {
    const [slow, quick] = [await connect(), await connect()]
    await Promise.all([isUp(slow), isUp(quick)])
    const [late, cache] = [new RedisCache(slow), new RedisCache(quick)]
    await cache.put('page:room:first', 8, 'eight', LONG_MS)
    server.freeze()
    await late.put('page:room:first', 7, 'seven', LONG_MS)
    server.thaw()
    await Promise.all([isUp(slow), isUp(quick)])
    expect(await cache.get('page:room:first', 0)).toEqual({ version: 8, value: 'eight' })
  })

  it('is used again after it was killed and came back empty (fault R1, fault R3)', async () => {
    const redis = await connect()
    await isUp(redis)
    const cache = new RedisCache(redis)
    await cache.put('key', 1, 'value', LONG_MS)
    await server.kill()
    expect(await cache.get('key', 0)).toBeNull()
    await isAway(redis)
    await server.restart()
    await isUp(redis)
    expect(await cache.get('key', 0)).toBeNull()
    await cache.put('key', 2, 'again', LONG_MS)
    expect(await cache.get('key', 0)).toEqual({ version: 2, value: 'again' })
  })

  it('is waited for where it is not there at the start (fault R17)', async () => {
    await server.kill()
    const redis = await connect()
    await expect(new RedisLock(redis).tryAcquire('key', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    await server.restart()
    await isUp(redis)
    expect(await new RedisLock(redis).tryAcquire('key', LONG_MS)).not.toBeNull()
  })

  it('is connected to anew where a connection was cut without a word', async () => {
    const proxy = await TcpProxy.start(server.url)
    try {
      const redis = await connectTo({ url: proxy.url })
      await isUp(redis)
      proxy.tapWith(() => () => 'keep')
      await expect(new RedisLock(redis).tryAcquire('key', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
      // What has been kept once stays so; connections that come from now on are sound.
      proxy.tapWith(null)
      await isUp(redis)
      expect(await new RedisLock(redis).tryAcquire('another', LONG_MS)).not.toBeNull()
    } finally {
      await proxy.close()
    }
  })

  it('is given up where it takes no writes, as a replica (fault R5)', async () => {
    const redis = await connect()
    await isUp(redis)
    await operate(server.url, 'replicaof', '127.0.0.1', '1')
    await expect(new RedisLock(redis).tryAcquire('key', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    await isAway(redis)
    await operate(server.url, 'replicaof', 'no', 'one')
    await isUp(redis)
  })

  it('is given up where it has no room, and evicts nothing (fault R6)', async () => {
    const redis = await connect()
    await isUp(redis)
    await operate(server.url, 'config', 'set', 'maxmemory', '1')
    await expect(new RedisRateLimit(redis).take('key', { perMinute: 1, burst: 1 })).rejects.toBeInstanceOf(
      PortUnavailable,
    )
    await isAway(redis)
    await operate(server.url, 'config', 'set', 'maxmemory', '0')
    await isUp(redis)
  })

  it('is not blamed for garbage under its keys, which gives way (fault R16)', async () => {
    const redis = await connect()
    await isUp(redis)
    const [cache, limits, locks] = [new RedisCache(redis), new RedisRateLimit(redis), new RedisLock(redis)]
    const sessions = new RedisSessions(redis, () => false)
    const session = { socketId: 's1', userId: randomUUID(), loginId: randomUUID(), connectedAtMs: 1 }
    const limit = { perMinute: 1, burst: 1 }
    await cache.put('page:room:first', 1, 'value', LONG_MS)
    await cache.put('key', 1, 'value', LONG_MS)
    await limits.take('key', limit)
    await sessions.put(session)
    let held = await locks.tryAcquire('key', LONG_MS)
    for (const garbage of ['list', 'text']) {
      const admin = new Redis(server.url)
      for (const key of await admin.keys('*')) {
        await admin.del(key)
        if (garbage === 'list') await admin.lpush(key, 'garbage')
        else await admin.set(key, '{"garbage":')
      }
      admin.disconnect()
      expect(await cache.get('page:room:first', 0)).toBeNull()
      expect(await cache.get('key', 0)).toBeNull()
      expect(await sessions.find('s1')).toBeNull()
      expect(await limits.take('key', limit)).toEqual({ allowed: true })
      expect(await held?.release()).toBe(false)
      held = await locks.tryAcquire('key', LONG_MS)
      expect(held).not.toBeNull()
      expect(await locks.tryAcquire('key', LONG_MS)).toBeNull()
      await cache.put('page:room:first', 2, 'again', LONG_MS)
      await cache.drop('page:room:')
      await cache.put('page:room:first', 1, 'fresh', LONG_MS)
      await sessions.put(session)
      expect(await cache.get('page:room:first', 0)).toEqual({ version: 1, value: 'fresh' })
      expect(await sessions.find('s1')).toEqual(session)
    }
    expect(redis.health.switches).toBe(1)
  })
})
