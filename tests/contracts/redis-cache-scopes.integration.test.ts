import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { RedisCache, type RedisConnection } from '../../adapters/redis/index.js'
import { sessionKey } from '../../core/use-cases/sessions/live-sockets.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { operate, redisConnections } from '../support/redis-connections.js'

const LONG_MS = 60_000

describeWithRedis('dropping from the cache of Redis', () => {
  const { connect } = redisConnections()
  let server: RedisServer
  let redis: RedisConnection

  beforeAll(async () => {
    server = await RedisServer.start({ config: { 'enable-debug-command': 'local' } })
  })

  afterAll(async () => {
    await server?.stop()
  })

  beforeEach(async () => {
    await operate(server.url, 'flushall')
    redis = await connect({ url: server.url })
  })

  const commandsSent = async (): Promise<string> => String(await operate(server.url, 'info', 'commandstats'))
  const keys = () => operate(server.url, 'keys', '*cache*')

  it('takes one command for a session, and no walk through all keys', async () => {
    const cache = new RedisCache(redis)
    const [socketId, other] = [randomUUID(), randomUUID()]
    for (const id of [socketId, other]) await cache.put(sessionKey(id), 1, id, LONG_MS)
    await operate(server.url, 'config', 'resetstat')
    await cache.drop(sessionKey(socketId))
    const sent = await commandsSent()
    expect(sent).toMatch(/cmdstat_(evalsha|unlink)/)
    expect(sent).not.toMatch(/cmdstat_scan/)
    expect(await cache.get(sessionKey(socketId), 0)).toBeNull()
    expect((await cache.get(sessionKey(other), 0))?.value).toBe(other)
    await cache.drop(sessionKey(other))
    expect(await keys()).toEqual([])
  })

  it('needs one key for a session', async () => {
    await new RedisCache(redis).put(sessionKey(randomUUID()), 1, 'session', LONG_MS)
    expect(await keys()).toHaveLength(1)
  })

  it('drops a group together with the entry that has no more than its name', async () => {
    const cache = new RedisCache(redis)
    const room = randomUUID()
    const names = [`page:${room}:`, `page:${room}:first`, `page:${room}:second`]
    for (const name of names) await cache.put(name, 1, name, LONG_MS)
    await cache.drop(`page:${room}:first`)
    expect((await cache.get(names[0] ?? '', 0))?.value).toBe(names[0])
    expect(await cache.get(names[1] ?? '', 0)).toBeNull()
    await cache.drop(`page:${room}:`)
    expect(await keys()).toEqual([])
  })

  it('walks through many keys in steps, each of which has a deadline, where the scope names no group', async () => {
    await operate(server.url, 'debug', 'populate', '100000', 'filler')
    const cache = new RedisCache(redis)
    for (let key = 0; key < 20; key += 1) await cache.put(`room${key}`, 1, key, LONG_MS)
    const proxy = await TcpProxy.start(server.url)
    try {
      const far = await connect({ url: proxy.url, commandDeadlineMs: 1_000 })
      await proxy.set({ is: 'slow', delayMs: 10 })
      const startedMs = performance.now()
      await new RedisCache(far).drop('room')
      expect(performance.now() - startedMs).toBeGreaterThan(1_000)
      expect(far.health.switches).toBe(1)
      expect(await keys()).toEqual([])
    } finally {
      await proxy.close()
    }
  })
})
