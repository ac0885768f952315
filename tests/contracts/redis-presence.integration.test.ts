import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RedisConnection, RedisPresence } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import type { PresencePort } from '../../core/ports/presence-port.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { eventually } from './eventually.js'

/** In so many beats whatever Redis lost is back: within 60 s of the real ones. */
const BEATS_TO_HEAL = 3
const BRIEF_LEASE_MS = 1_500

describeWithRedis('presence on a Redis that loses something', () => {
  let server: RedisServer
  let proxy: TcpProxy
  const open: RedisConnection[] = []

  const boot = async (leaseMs?: number) => {
    const connection = new RedisConnection({
      url: proxy.url,
      clock: new SystemClock(),
      commandDeadlineMs: 5_000,
    })
    open.push(connection)
    await connection.start()
    await eventually('Redis to be up', () => connection.health.isUp())
    return { presence: new RedisPresence(connection, leaseMs), health: connection.health }
  }
  const asAdmin = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(server.url)
    try {
      return await work(redis)
    } finally {
      redis.disconnect()
    }
  }
  const stateOf = async (presence: PresencePort, userId: string) =>
    (await presence.states([userId])).presences[0]?.state

  beforeEach(async () => {
    server = await RedisServer.start()
    proxy = await TcpProxy.start(server.url)
  })

  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close()
    await proxy.close()
    await server.stop()
  })

  it.each([
    ['everything', '*', 'offline'],
    ['all leases', '*:leases', 'offline'],
    ['what was written last', '*:writes', 'online'],
  ])(
    'is partial from when a process found that Redis has lost %s until all were there again (fault R3, pitfall 9)',
    async (_what, pattern, meanwhile) => {
      const leaseMs = 2_500
      const [a, b] = [(await boot(leaseMs)).presence, (await boot(leaseMs)).presence]
      const [ada, ben] = [randomUUID(), randomUUID()]
      await a.announce(ada, 'a1', 'online')
      await b.announce(ben, 'b1', 'online')
      const view = async () => {
        const { presences, partial } = await b.states([ada, ben])
        return [...presences.map(({ state }) => state), partial]
      }
      expect(await view()).toEqual(['online', 'online', false])
      await asAdmin(async (redis) => redis.del(await redis.keys(pattern)))
      // Whoever misses their own can tell at once.
      expect(await view()).toEqual([meanwhile, meanwhile, true])
      await b.beat()
      expect(await view()).toEqual([meanwhile, 'online', true])
      await a.beat()
      const beating = setInterval(() => void Promise.all([a.beat(), b.beat()]).catch(() => undefined), 300)
      try {
        await eventually('the answer to be whole', async () => (await view())[2] === false)
        expect(await view()).toEqual(['online', 'online', false])
      } finally {
        clearInterval(beating)
      }
    },
  )

  it.each<[string, (redis: Redis, key: string) => Promise<unknown>]>([
    ['another type', (redis, key) => redis.multi().del(key).rpush(key, 'garbage').exec()],
    [
      'a state that is none',
      async (redis, key) => redis.hset(key, (await redis.hkeys(key))[0] ?? '', 'busy'),
    ],
  ])(
    'is partial where what it holds of a user is %s, and whole with the next beat (fault R16)',
    async (_kind, scrawl) => {
      const [{ presence }, { presence: peer }] = [await boot(), await boot()]
      const userId = randomUUID()
      await presence.announce(userId, 's1', 'online')
      await peer.beat()
      const view = async () => {
        const { presences, partial } = await peer.states([userId])
        return [presences[0]?.state, partial]
      }
      expect(await view()).toEqual(['online', false])
      await asAdmin((redis) => scrawl(redis, `parley:presence:{presence}:user:${userId}`))
      expect(await view()).toEqual(['offline', true])
      await presence.beat()
      expect((await view())[0]).toBe('online')
    },
  )

  it.each([
    ['in which all leases ran out', () => sleep(BRIEF_LEASE_MS + 100)],
    ['that lost everything', () => asAdmin((redis) => redis.flushall())],
  ])('is whole once all have brought their sockets after an outage %s', async (_which, outage) => {
    const [a, b] = [(await boot(BRIEF_LEASE_MS)).presence, (await boot(BRIEF_LEASE_MS)).presence]
    const [ada, ben] = [randomUUID(), randomUUID()]
    await a.announce(ada, 'a1', 'online')
    await b.announce(ben, 'b1', 'online')
    await outage()
    for (const presence of [a, b]) await presence.bring(new Map(), false)
    expect(await b.states([ada, ben])).toMatchObject({ partial: false })
    // It may take long until the others are ready, too.
    await sleep(BRIEF_LEASE_MS + 100)
    expect(await b.states([ada, ben])).toMatchObject({ partial: false })
    await a.bring(new Map([['a1', { userId: ada, state: 'online' }]]), false)
    await b.bring(new Map([['b1', { userId: ben, state: 'online' }]]), false)
    expect(await b.states([ada, ben])).toMatchObject({
      presences: [{ state: 'online' }, { state: 'online' }],
      partial: false,
    })
  })

  it('is partial where Redis loses everything while a process is about to bring its sockets', async () => {
    const [a, b] = [(await boot()).presence, (await boot()).presence]
    const [ada, ben] = [randomUUID(), randomUUID()]
    await a.announce(ada, 'a1', 'online')
    await b.bring(new Map(), false)
    await asAdmin((redis) => redis.flushall())
    expect(await b.states([ada, ben])).toMatchObject({ partial: true })
    await b.bring(new Map([['b1', { userId: ben, state: 'online' }]]), false)
    expect(await b.states([ada, ben])).toMatchObject({
      presences: [{ state: 'offline' }, { state: 'online' }],
      partial: true,
    })
  })

  it('is whole on a Redis that is reached only after a while', async () => {
    const { presence, health } = await boot()
    await proxy.set({ is: 'down' })
    await expect(presence.beat()).rejects.toMatchObject({ port: 'PresencePort' })
    await proxy.set({ is: 'up' })
    await eventually('Redis to be up', () => health.isUp())
    await presence.beat()
    expect(await presence.states([randomUUID()])).toMatchObject({ partial: false })
  })

  it('tells of nobody as gone with a beat while others may be missing', async () => {
    const leaseMs = 1_500
    const [{ presence: a, health }, { presence: b }] = [await boot(leaseMs), await boot(leaseMs)]
    const ada = randomUUID()
    await a.announce(ada, 'a1', 'online')
    await b.announce(ada, 'b1', 'online')
    await proxy.set({ is: 'down' })
    await expect(a.withdraw(ada, 'a1')).rejects.toMatchObject({ port: 'PresencePort' })
    await proxy.set({ is: 'up' })
    await eventually('Redis to be up', () => health.isUp())
    await asAdmin((redis) => redis.flushall())
    expect(await a.beat()).toEqual([])
    const told: unknown[] = []
    await eventually('it to tell of the user', async () => {
      await b.beat().catch(() => undefined)
      told.push(...(await a.beat()))
      return told.length > 0
    })
    expect(told).toEqual([{ userId: ada, state: 'online' }])
  })

  it.each([
    ['a list', (redis: Redis, key: string) => redis.rpush(key, 'garbage')],
    ['a hash', (redis: Redis, key: string) => redis.hset(key, 'garbage', 'garbage')],
    ['a set', (redis: Redis, key: string) => redis.sadd(key, 'garbage')],
    ['a sorted set', (redis: Redis, key: string) => redis.zadd(key, 1, 'garbage')],
    ['a text', (redis: Redis, key: string) => redis.set(key, '9007199254740993:{}')],
    ['a number beyond all others', (redis: Redis, key: string) => redis.set(key, '9'.repeat(20))],
    ['a number in another form', (redis: Redis, key: string) => redis.set(key, '1e18')],
  ])(
    'is right again soon where all its keys hold %s, and fails nobody (fault R16)',
    async (_kind, scrawl) => {
      const [a, b] = [(await boot()).presence, (await boot()).presence]
      const [gone, stays, comes] = [randomUUID(), randomUUID(), randomUUID()]
      await a.announce(gone, 'g1', 'online')
      await a.withdraw(gone, 'g1')
      await a.announce(stays, 's1', 'online')
      await b.beat()
      const { mark } = await b.changes(null)
      const keys = await asAdmin(async (redis) => {
        const found = await redis.keys('*presence*')
        for (const key of found) {
          await redis.del(key)
          await scrawl(redis, key)
        }
        return found
      })
      const kinds = keys.map((key) => key.replace(/^.*\}:/, '').replace(/:.*/, ''))
      expect([...new Set(kinds)].sort()).toEqual([
        'boot',
        'changes',
        'clock',
        'leases',
        'seen',
        'since',
        'user',
        'writes',
      ])
      const later = await b.changes(mark)
      expect(later.userIds).toEqual([])
      await b.announce(comes, 'c1', 'away')
      expect((await b.states([gone, stays, comes])).presences[2]?.state).toBe('away')
      for (let beats = 0; beats < BEATS_TO_HEAL; beats += 1) {
        await a.beat()
        await b.beat()
        await b.reap()
      }
      const { presences } = await b.states([gone, stays, comes])
      expect(presences.map(({ state }) => state)).toEqual(['offline', 'online', 'away'])
      expect([...(await b.changes(later.mark)).userIds].sort()).toEqual([stays, comes].sort())
      expect(await a.withdraw(stays, 's1')).toEqual({ before: 'online', after: 'offline' })
      expect((await a.states([stays])).presences[0]?.lastSeenAtMs).toBeGreaterThan(0)
    },
  )

  it('refuses a change that comes once more after a later one (fault R2)', async () => {
    const { presence } = await boot()
    const [userId, socketId] = [randomUUID(), randomUUID()]
    let announcing: Buffer = Buffer.alloc(0)
    proxy.tapWith(() => (chunk, way) => {
      if (way === 'to-target' && chunk.includes(socketId) && announcing.length === 0) announcing = chunk
      return 'pass'
    })
    await presence.beat()
    await presence.announce(userId, socketId, 'online')
    await presence.withdraw(userId, socketId)
    expect(announcing.includes('online')).toBe(true)
    const late = connect(server.port, '127.0.0.1')
    late.write(announcing)
    const [answer] = await once(late, 'data')
    late.destroy()
    // No error: it was carried out, or was refused by the script.
    expect(String(answer)).toMatch(/^[*$_]/)
    expect(await stateOf(presence, userId)).toBe('offline')
    expect(await presence.announce(userId, 'another', 'online')).toEqual({
      before: 'offline',
      after: 'online',
    })
  })

  it('puts back in a few beats whom Redis evicted while the lease stood (fault R7)', async () => {
    const [{ presence }, { presence: peer }] = [await boot(), await boot()]
    const [evicted, kept] = [randomUUID(), randomUUID()]
    await presence.announce(evicted, 's1', 'away')
    await presence.announce(kept, 's2', 'online')
    const { mark } = await peer.changes(null)
    await asAdmin((redis) => redis.del(`parley:presence:{presence}:user:${evicted}`))
    expect(await stateOf(peer, evicted)).toBe('offline')
    const told = []
    for (let beat = 0; beat < BEATS_TO_HEAL; beat += 1) told.push(...(await presence.beat()))
    expect(await stateOf(peer, evicted)).toBe('away')
    expect(told).toEqual([{ userId: evicted, state: 'away' }])
    expect((await peer.changes(mark)).userIds).toEqual([evicted])
  })

  it('puts back in a few beats the list by which others take a dead process away (fault R7)', async () => {
    const [{ presence: dying }, { presence: peer }] = [await boot(), await boot()]
    const userId = randomUUID()
    await dying.announce(userId, 's1', 'online')
    await asAdmin(async (redis) => redis.del(await redis.keys('*boot:*')))
    for (let beat = 0; beat < BEATS_TO_HEAL; beat += 1) await dying.beat()
    await asAdmin(async (redis) => {
      const [bootId = ''] = (await redis.keys('*boot:*')).map((key) => key.slice(-36))
      await peer.beat()
      // A lease that ran out before the peer's began would be left alone for a while.
      await sleep(20)
      await redis.zadd('parley:presence:{presence}:leases', Date.now(), bootId)
    })
    expect(await peer.reap()).toEqual([userId])
  })

  it('has its sockets again after Redis came back with a snapshot from before they came (fault R4)', async () => {
    const [{ presence, health }, { presence: peer, health: ofPeer }] = [await boot(), await boot()]
    const [stayed, left, came] = [randomUUID(), randomUUID(), randomUUID()]
    await presence.announce(stayed, 's1', 'online')
    await presence.announce(left, 's2', 'online')
    await peer.beat()
    await asAdmin((redis) => redis.save())
    await presence.withdraw(left, 's2')
    await presence.announce(came, 's3', 'online')
    const before = health.switches
    await server.kill()
    await server.restart()
    await expect(presence.changes(null)).rejects.toMatchObject({ port: 'PresencePort' })
    await eventually('Redis to be up again', () => health.switches > before && health.isUp())
    // One that only waits for it to be back has lost its connection as well.
    await peer.changes(null).catch(() => undefined)
    await eventually('Redis to be up again for the peer', () => ofPeer.isUp())
    const { mark } = await peer.changes(null)
    expect(await stateOf(peer, left)).toBe('online')
    await presence.beat()
    const { presences } = await peer.states([stayed, left, came])
    expect(presences.map(({ state }) => state)).toEqual(['online', 'offline', 'online'])
    expect([...(await peer.changes(mark)).userIds].sort()).toEqual([left, came].sort())
  })

  it('is partial on a snapshot in which leases still run, but not all that came since (fault R4)', async () => {
    const [{ presence, health }, { presence: peer, health: ofPeer }] = [await boot(), await boot()]
    const [stayed, came] = [randomUUID(), randomUUID()]
    await presence.announce(stayed, 's1', 'online')
    await peer.beat()
    await asAdmin((redis) => redis.save())
    await presence.announce(came, 's2', 'online')
    await peer.beat()
    const before = health.switches
    await server.kill()
    await server.restart()
    for (const process of [presence, peer]) await process.changes(null).catch(() => undefined)
    await eventually('Redis to be up again', () => health.switches > before && health.isUp())
    await eventually('Redis to be up again for the peer', () => ofPeer.isUp())
    const missed = { presences: [{ state: 'online' }, { state: 'offline' }], partial: true }
    expect(await peer.states([stayed, came])).toMatchObject(missed)
    await peer.beat()
    expect(await peer.states([stayed, came])).toMatchObject(missed)
  })
})
