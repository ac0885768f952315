import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import {
  RedisBus,
  RedisCache,
  type RedisConnection,
  RedisLock,
  RedisPresence,
  RedisRateLimit,
  RedisSessions,
} from '../../adapters/redis/index.js'
import { eventually } from '../contracts/eventually.js'
import { isUp } from './redis-connections.js'

const LONG_MS = 60_000

/** Each adapter once, through and through. */
export async function everythingWorks(redis: RedisConnection): Promise<void> {
  await isUp(redis)
  const cache = new RedisCache(redis)
  for (const key of ['plain', 'page:room:first', 'session:socket:']) {
    await cache.put(key, 1, key, LONG_MS)
    expect((await cache.get(key, 1))?.value).toBe(key)
    await cache.drop(key.slice(0, -1))
    await cache.drop(key)
    expect(await cache.get(key, 0)).toBeNull()
  }
  expect(cache.stats().unanswered).toBe(0)
  const held = await new RedisLock(redis).tryAcquire('lock', LONG_MS)
  expect(await held?.release()).toBe(true)
  expect(await new RedisRateLimit(redis).take(randomUUID(), { perMinute: 1, burst: 1 })).toEqual({
    allowed: true,
  })
  const sessions = new RedisSessions(redis, () => false, { ttlMs: () => LONG_MS })
  const session = { socketId: 's1', userId: randomUUID(), loginId: randomUUID(), connectedAtMs: 1 }
  await sessions.put(session)
  expect(await sessions.find('s1')).toEqual(session)
  await new RedisSessions(redis, () => false, { ttlMs: () => 10 * LONG_MS }).find('s1')
  await sessions.remove('s1')
  expect(await sessions.find('s1')).toBeNull()
  const presence = new RedisPresence(redis)
  await presence.beat()
  await presence.announce(session.userId, 's1', 'online')
  expect((await presence.states([session.userId])).presences).toMatchObject([{ state: 'online' }])
  await presence.changes((await presence.changes(null)).mark)
  await presence.withdraw(session.userId, 's1')
  await presence.reap()
  await presence.leave()
  await messagesArrive(redis)
  expect(redis.health.switches).toBe(1)
}

async function messagesArrive(redis: RedisConnection): Promise<void> {
  const [here, there] = [new RedisBus(redis), new RedisBus(redis)]
  try {
    const heard: string[] = []
    await there.subscribe('topic', (message) => heard.push(message))
    await here.publish('topic', 'hello')
    await eventually('the message', () => heard.includes('hello'))
  } finally {
    await Promise.all([here.close(), there.close()])
  }
}
