import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { RedisBus, RedisCache, type RedisConnection, RedisSessions } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { redisConnections } from '../support/redis-connections.js'
import { eventually } from './eventually.js'

const LONG_MS = 60_000
const HIGHEST = Number.MAX_SAFE_INTEGER
const SECRET = 'a secret that all processes have, and nobody else'
const FOREIGN = 'another secret, of somebody who may write to Redis'

/** An hour ahead. */
class FastClock extends SystemClock {
  override nowMs(): number {
    return super.nowMs() + 3_600_000
  }
}

describeWithRedis('whoever writes to Redis without the secret (input I5)', () => {
  const { connect } = redisConnections()
  let server: RedisServer
  let redis: RedisConnection
  let foreign: RedisConnection
  let admin: Redis

  beforeAll(async () => {
    server = await RedisServer.start()
    admin = new Redis(server.url)
  })

  afterAll(async () => {
    admin?.disconnect()
    await server?.stop()
  })

  beforeEach(async () => {
    await admin.flushall()
    redis = await connect({ url: server.url, secret: SECRET })
    foreign = await connect({ url: server.url, secret: FOREIGN })
  })

  const nameOf = (userId: string) => `parley:cache:{member:room:}${userId}`
  const keyOf = (userId: string) => `member:room:${userId}`

  it.each<[string, string | Buffer]>([
    ['without a signature', `${HIGHEST}:true`],
    ['with an empty one', `${HIGHEST}::true`],
    ['with a made up one', `${HIGHEST}:${'A'.repeat(22)}:true`],
    ['of another shape', `${HIGHEST}:{}`],
    ['above all versions', '9007199254740993:{}'],
    ['that is no text', Buffer.from(`${HIGHEST}:\xff\xfe`, 'latin1')],
    ['that is no entry', 'no entry of anything'],
  ])(
    'makes nobody a member by an entry %s, which gives way though it lasts for ever',
    async (_what, entry) => {
      const cache = new RedisCache(redis)
      await admin.set(nameOf('eve'), entry)
      expect(await cache.get(keyOf('eve'), 0)).toBeNull()
      await cache.put(keyOf('eve'), 1, 'known since', LONG_MS)
      expect(await cache.get(keyOf('eve'), 1)).toEqual({ version: 1, value: 'known since' })
      expect(cache.stats()).toMatchObject({ garbage: 1, misses: 1, fills: 1, fillsRefused: 0, hits: 1 })
    },
  )

  it('makes nobody a member by the entry of another, or by one of a higher version', async () => {
    const cache = new RedisCache(redis)
    await cache.put(keyOf('ada'), 7, true, LONG_MS)
    const genuine = (await admin.get(nameOf('ada'))) ?? ''
    await admin.set(nameOf('eve'), genuine)
    expect(await cache.get(keyOf('eve'), 0)).toBeNull()
    expect(await cache.get(keyOf('ada'), 7)).toEqual({ version: 7, value: true })
    await admin.set(nameOf('ada'), genuine.replace(/^7/, '8'))
    expect(await cache.get(keyOf('ada'), 0)).toBeNull()
  })

  it('makes nobody read its texts, nor fail by them', async () => {
    const cache = new RedisCache(redis)
    const page = { messages: [{ text: 'Sincerely' }], headSeq: 7 }
    await cache.put('page:room:50', 7, page, LONG_MS)
    const name = 'parley:cache:{page:room:}50'
    const genuine = (await admin.get(name)) ?? ''
    await admin.set(name, genuine.replace('Sincerely', 'Forged'))
    expect(await cache.get('page:room:50', 0)).toBeNull()
    await new RedisCache(foreign).put('page:room:50', 9, { messages: [{ text: 'Forged' }] }, LONG_MS)
    expect(await cache.get('page:room:50', 0)).toBeNull()
    await cache.put('page:room:50', 8, page, LONG_MS)
    expect(await cache.get('page:room:50', 8)).toEqual({ version: 8, value: page })
  })

  it('is refused by the version where it puts back what was there', async () => {
    const cache = new RedisCache(redis)
    await cache.put(keyOf('ben'), 7, true, LONG_MS)
    const genuine = (await admin.get(nameOf('ben'))) ?? ''
    await cache.drop('member:room:')
    await admin.set(nameOf('ben'), genuine)
    expect(await cache.get(keyOf('ben'), 8)).toBeNull()
    expect(cache.stats()).toMatchObject({ staleRefused: 1, garbage: 0 })
  })

  const session = { socketId: 's1', userId: randomUUID(), loginId: randomUUID(), connectedAtMs: 1 }
  const sessionName = (socketId: string) => `parley:session:{${socketId}}`

  it.each<[string, Record<string, string>]>([
    ['another user', { userId: randomUUID() }],
    ['another login', { loginId: randomUUID() }],
    ['another begin', { connectedAtMs: '2' }],
    ['a longer life', { untilMs: String(Date.now() + 600_000) }],
    ['no signature', { signature: '' }],
  ])('gives no session %s, which gives way', async (_what, change) => {
    const sessions = new RedisSessions(redis, () => false)
    await sessions.put(session)
    await admin.hset(sessionName('s1'), { role: 'admin', ...change })
    expect(await sessions.find('s1')).toBeNull()
    await sessions.put(session)
    expect(await sessions.find('s1')).toEqual(session)
    expect(await admin.hexists(sessionName('s1'), 'role')).toBe(0)
  })

  it('makes up no session, by its own fields or by those of another', async () => {
    const sessions = new RedisSessions(redis, () => false)
    await sessions.put(session)
    await admin.hset(sessionName('moved'), await admin.hgetall(sessionName('s1')))
    expect(await sessions.find('moved')).toBeNull()
    const untilMs = String(Date.now() + LONG_MS)
    await admin.hset(sessionName('made'), { ...session, untilMs, role: 'admin' })
    expect(await sessions.find('made')).toBeNull()
    await new RedisSessions(foreign, () => false).put({ ...session, socketId: 'signed' })
    expect(await sessions.find('signed')).toBeNull()
  })

  it('keeps no session alive by putting it back', async () => {
    const sessions = new RedisSessions(redis, () => false, { wholeLifeMs: 500 })
    await sessions.put(session)
    const genuine = await admin.hgetall(sessionName('s1'))
    await sleep(600)
    await admin.hset(sessionName('s1'), genuine)
    expect(await sessions.find('s1')).toBeNull()
  })

  it('has no ally in a process whose clock is ahead', async () => {
    const ahead = await connect({ url: server.url, secret: SECRET, clock: new FastClock() })
    await new RedisSessions(ahead, () => false).put(session)
    const sessions = new RedisSessions(redis, () => false)
    expect(await sessions.find('s1')).toBeNull()
    await sessions.put(session)
    expect(await sessions.find('s1')).toEqual(session)
  })

  const buses: RedisBus[] = []
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()))
  })
  const busOver = (connection: RedisConnection) => {
    const bus = new RedisBus(connection)
    buses.push(bus)
    return bus
  }

  it('says nothing on the bus, be it made up, repeated, or taken from another bus', async () => {
    const staging = await connect({ url: server.url, secret: SECRET, prefix: 'staging:' })
    const [here, there, outside, elsewhere] = [redis, redis, foreign, staging].map(busOver) as [
      RedisBus,
      RedisBus,
      RedisBus,
      RedisBus,
    ]
    const heard: string[] = []
    await there.subscribe('logins', (message) => heard.push(message))
    const overheard: string[] = []
    const spy = admin.duplicate()
    await spy.subscribe('parley:{bus}', 'staging:{bus}')
    spy.on('message', (_channel, payload) => overheard.push(payload))
    try {
      await outside.publish('logins', '"signed by another"')
      await elsewhere.publish('logins', '"of another bus"')
      await here.publish('logins', '"first"')
      await eventually('all to be overheard', () => overheard.length === 3)
      const batch = JSON.stringify([randomUUID(), [['logins', '"made up"']]])
      const genuine = overheard.find((payload) => payload.includes('first')) ?? ''
      const forgeries = [
        batch,
        `:${batch}`,
        `${'A'.repeat(22)}:${batch}`,
        genuine.replace('first', 'other'),
        ...overheard.filter((payload) => payload !== genuine),
      ]
      for (const payload of forgeries) await admin.publish('parley:{bus}', payload)
      // What was published before it has arrived before it.
      await here.publish('logins', '"last"')
      await eventually('the last to arrive', () => heard.includes('"last"'))
      expect(heard).toEqual(['"first"', '"last"'])
    } finally {
      spy.disconnect()
    }
  })
})
