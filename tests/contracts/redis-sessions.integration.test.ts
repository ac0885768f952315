import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type RedisConnection, RedisSessions } from '../../adapters/redis/index.js'
import type { LiveSession } from '../../core/ports/session-port.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { operate, redisConnections } from '../support/redis-connections.js'
import { eventually } from './eventually.js'

const newSession = (): LiveSession => ({
  socketId: randomUUID(),
  userId: randomUUID(),
  loginId: randomUUID(),
  connectedAtMs: 1_700_000_000_123,
})

describeWithRedis('the lives of sessions that Redis remembers', () => {
  const { connect } = redisConnections()
  let server: RedisServer
  let redis: RedisConnection
  const ended = new Set<string>()
  const hasEnded = (loginId: string) => ended.has(loginId)

  beforeAll(async () => {
    server = await RedisServer.start()
  })

  afterAll(async () => {
    await server?.stop()
  })

  beforeEach(async () => {
    redis = await connect({ url: server.url })
  })

  const keysOf = async (session: LiveSession): Promise<readonly string[]> =>
    (await operate(server.url, 'keys', `*session:*${session.socketId}*`)) as string[]
  const leftMs = async (session: LiveSession): Promise<number> => {
    const [key = ''] = await keysOf(session)
    return Number(await operate(server.url, 'pttl', key))
  }

  it('are prolonged by whoever finds them, in the second half of their life alone', async () => {
    const sessions = new RedisSessions(redis, hasEnded, { ttlMs: () => 4_000 })
    const session = newSession()
    await sessions.put(session)
    await operate(server.url, 'config', 'resetstat')
    for (let find = 0; find < 20; find += 1) expect(await sessions.find(session.socketId)).toEqual(session)
    expect(String(await operate(server.url, 'info', 'commandstats'))).not.toMatch(/cmdstat_pexpire/)
    await sleep(2_200)
    expect(await leftMs(session)).toBeLessThan(2_000)
    expect(await sessions.find(session.socketId)).toEqual(session)
    await eventually('the session to live on', async () => (await leftMs(session)) > 2_000)
  })

  it('end where the session of an ended login is found', async () => {
    const sessions = new RedisSessions(redis, hasEnded)
    const session = newSession()
    await sessions.put(session)
    expect(await keysOf(session)).toHaveLength(1)
    ended.add(session.loginId)
    expect(await sessions.find(session.socketId)).toBeNull()
    await eventually('the session to be forgotten', async () => (await keysOf(session)).length === 0)
  })

  it('are not prolonged for an ended login', async () => {
    const sessions = new RedisSessions(redis, hasEnded, { ttlMs: () => 3_000 })
    const session = newSession()
    await sessions.put(session)
    await sleep(1_700)
    ended.add(session.loginId)
    await operate(server.url, 'config', 'resetstat')
    expect(await sessions.find(session.socketId)).toBeNull()
    await eventually('the session to be forgotten', async () => (await keysOf(session)).length === 0)
    expect(String(await operate(server.url, 'info', 'commandstats'))).not.toMatch(/cmdstat_pexpire/)
  })

  it('do not begin for a login that has ended', async () => {
    const sessions = new RedisSessions(redis, hasEnded)
    const session = newSession()
    await sessions.put(session)
    ended.add(session.loginId)
    await sessions.put(session)
    expect(await keysOf(session)).toEqual([])
  })

  it('are counted as they are stored, found and missed', async () => {
    const sessions = new RedisSessions(redis, hasEnded)
    const [session, gone] = [newSession(), newSession()]
    await sessions.put(session)
    await sessions.put(gone)
    for (let find = 0; find < 3; find += 1) await sessions.find(session.socketId)
    await sessions.find(randomUUID())
    ended.add(gone.loginId)
    await sessions.find(gone.socketId)
    await sessions.put(gone)
    expect(sessions.stats()).toEqual({ hits: 3, misses: 1, staleRefused: 1, fills: 2, garbage: 0 })
  })

  it('end at last, however often a session is found', async () => {
    const sessions = new RedisSessions(redis, hasEnded, { ttlMs: () => 800, wholeLifeMs: 2_000 })
    const session = newSession()
    const startedMs = performance.now()
    await sessions.put(session)
    await eventually('the session to end', async () => {
      await sleep(20)
      return (await sessions.find(session.socketId)) === null
    })
    const livedMs = performance.now() - startedMs
    expect(livedMs).toBeGreaterThan(1_900)
    expect(livedMs).toBeLessThan(4_000)
  })
})
