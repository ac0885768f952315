import { randomBytes, randomUUID } from 'node:crypto'
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
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { isAway, isUp, operate, redisConnections } from '../support/redis-connections.js'

const LONG_MS = 60_000

/** Refuses, and grants nothing: neither a lock, nor a call, nor a session. */
async function grantsNothing(redis: RedisConnection): Promise<void> {
  const key = randomUUID()
  const limit = { perMinute: 60, burst: 10 }
  const refused = (call: Promise<unknown>) => expect(call).rejects.toBeInstanceOf(PortUnavailable)
  await refused(new RedisLock(redis).tryAcquire(key, LONG_MS))
  await refused(new RedisRateLimit(redis).take(key, limit))
  await refused(new RedisSessions(redis, () => false).find(key))
  expect(await new RedisCache(redis).get(key, 0)).toBeNull()
}

describeWithRedis('a Redis that answers and is not fit for use (fault R15)', () => {
  const { connect } = redisConnections()
  let server: RedisServer

  beforeEach(async () => {
    server = await RedisServer.start()
  })

  afterEach(async () => {
    await server.stop()
  })

  /** Started anew with data that takes it about 100 s to load, unless it is told to hurry. */
  const startLoading = async (): Promise<void> => {
    const admin = new Redis(server.url)
    for (let key = 0; key < 200; key += 1) await admin.set(`key ${key}`, randomBytes(4_096))
    await admin.save()
    admin.disconnect()
    await server.kill()
    await server.restart({ 'key-load-delay': '500000', 'loading-process-events-interval-bytes': '1024' })
  }
  const endLoading = () => operateWhileLoading(server.url, 'config', 'set', 'key-load-delay', '0')

  it('lets a process start within 2 s while it is LOADING, and is used once it has loaded', async () => {
    await startLoading()
    const startedMs = performance.now()
    const redis = await connect({ url: server.url })
    // The rest is for a busy machine.
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    await grantsNothing(redis)
    await isAway(redis)
    await endLoading()
    await isUp(redis)
    expect(await new RedisLock(redis).tryAcquire('key', LONG_MS)).not.toBeNull()
  }, 60_000)

  it('is given up when it comes back LOADING, and used once it has loaded', async () => {
    const redis = await connect({ url: server.url })
    await isUp(redis)
    await startLoading()
    await grantsNothing(redis)
    await isAway(redis)
    await endLoading()
    await isUp(redis)
  }, 60_000)

  it('is given up while a script keeps it BUSY, and used once that is killed', async () => {
    await operate(server.url, 'config', 'set', 'busy-reply-threshold', '50')
    const redis = await connect({ url: server.url })
    await isUp(redis)
    const script = operate(server.url, 'eval', 'while true do end', '0').catch(String)
    await expect(
      (async () => {
        for (;;) await new RedisLock(redis).tryAcquire(randomUUID(), LONG_MS)
      })(),
    ).rejects.toBeInstanceOf(PortUnavailable)
    await isAway(redis)
    await grantsNothing(redis)
    await operateWhileLoading(server.url, 'script', 'kill')
    expect(await script).toContain('killed')
    await isUp(redis)
  }, 30_000)

  it('is given up when its password is no longer the one known here, and used once it is again', async () => {
    const redis = await connect({ url: server.url })
    await isUp(redis)
    await operate(server.url, 'config', 'set', 'requirepass', 'rotated')
    const withPassword = server.url.replace('redis://', 'redis://:rotated@')
    await operate(withPassword, 'client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await expect(
      (async () => {
        for (;;) await new RedisLock(redis).tryAcquire(randomUUID(), LONG_MS)
      })(),
    ).rejects.toBeInstanceOf(PortUnavailable)
    await isAway(redis)
    await grantsNothing(redis)
    await operate(withPassword, 'config', 'set', 'requirepass', '')
    await isUp(redis)
  }, 30_000)
})

/** Without asking first whether it is ready. */
async function operateWhileLoading(url: string, ...command: [string, ...string[]]): Promise<void> {
  const redis = new Redis(url, { enableReadyCheck: false, disableClientInfo: true })
  try {
    await redis.call(...command)
  } finally {
    redis.disconnect()
  }
}
