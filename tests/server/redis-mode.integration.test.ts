import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { compose } from '../../apps/server/composition/index.js'
import { SocketNotices } from '../../apps/server/realtime/socket-notices.js'
import { type Instances, startInstances } from '../support/instances.js'
import { meet, textsAt } from '../support/meeting.js'
import { call, expectOk, type Json, Person, request, until } from '../support/person.js'
import { metricOf, metricsOf, readiness } from '../support/probes.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'

const ADMIN = 'a-token-of-the-administrator'

describeWithRedis('two servers on one Redis', () => {
  let redis: RedisServer
  let instances: Instances
  let asker: Redis

  beforeAll(async () => {
    redis = await RedisServer.start()
    instances = await startInstances(2, {
      REDIS_URL: redis.url,
      PARLEY_ADMIN_TOKEN: ADMIN,
      PARLEY_LIMIT_FACTOR: '1',
      PARLEY_REDIS_PREFIX: 'two:',
    })
    asker = new Redis(redis.url)
  })
  afterAll(async () => {
    asker?.disconnect()
    await instances?.stop()
    await redis?.stop()
  })

  const people: Person[] = []
  afterEach(() => {
    for (const person of people.splice(0)) person.close()
  })
  const met = async () => {
    const all = await meet(instances.urls)
    people.push(all.ada, all.ben)
    return all
  }

  /** Another program, which embeds the use cases and serves nobody. */
  const serviceBeside = async () => {
    const service = await compose({
      authSecret: instances.variables.PARLEY_AUTH_SECRET ?? '',
      notices: new SocketNotices(),
      database: { url: instances.variables.DATABASE_URL ?? '' },
      shared: true,
      redis: { urls: [redis.url], prefix: 'two:', onChange: () => undefined },
      limitFactor: 1,
      sessionMaxMs: 86_400_000,
      lifetimes: { sessionMs: 60_000, messagesMs: 60_000 },
      cacheBounds: { maxEntries: 1_000, maxBytes: 1_000_000 },
      onError: () => undefined,
    })
    await service.parley.start()
    await until('the service is on Redis', () =>
      service.reports.failover().every(({ state }) => state === 'primary'),
    )
    return service
  }

  it('show each other who is there, and keep that in Redis alone', async () => {
    const { ada, ben, atAda, atBen, roomId } = await met()
    const told: string[] = []
    atAda.on('presence', ({ userId, state }: { userId: string; state: string }) => {
      if (userId === ben.userId) told.push(state)
    })
    await expectOk(call(atBen, 'presence:set', { state: 'away' }))
    await until('the other instance is told', () => told.includes('away'))
    const { body } = await ada.http('GET', `/rooms/${roomId}/presence`)
    expect(body.partial).toBe(false)
    expect(body.members).toContainEqual({ userId: ben.userId, state: 'away', lastSeenAt: null })
    expect(await asker.hlen(`two:presence:{presence}:user:${ben.userId}`)).toBe(1)
    expect(await instances.sql`select 1 from presence_sockets`).toHaveLength(0)
  })

  it('have services beside them tell each other by Redis who is behind a socket', async () => {
    const { ada, atAda } = await met()
    const services = await Promise.all([serviceBeside(), serviceBeside()])
    try {
      const seen: unknown[] = []
      for (const { parley, reports } of services) {
        const found = await parley.findUserBySocket.execute({ socketId: atAda.id ?? '' })
        expect(found).toMatchObject({ ok: true, value: { userId: ada.userId } })
        const inRedis = () =>
          reports.caches().find(({ cache, tier }) => cache === 'sessions' && tier === 'redis')
        const { hits, misses, fills } = inRedis() ?? {}
        seen.push({ hits, misses, fills })
      }
      expect(seen).toEqual([
        { hits: 1, misses: 0, fills: 0 },
        { hits: 1, misses: 0, fills: 0 },
      ])
      const socketId = atAda.id ?? ''
      expect((await ada.http('POST', '/auth/sign-out', {})).status).toBe(204)
      for (const { parley } of services)
        await until('they know nobody behind it', async () => {
          const { ok } = await parley.findUserBySocket.execute({ socketId })
          return !ok
        })
    } finally {
      for (const { parley, close } of services) {
        parley.stop()
        await close()
      }
    }
  })

  it('count calls together, in Redis alone', async () => {
    const { ada, roomId } = await met()
    const before = await instances.sql`select 1 from rate_limits`
    const statuses: number[] = []
    for (let index = 0; index < 40; index += 1) {
      const message = { clientMessageId: `m${index}`, text: 'Hello' }
      const answer = await ada.http('POST', `/rooms/${roomId}/messages`, message, instances.urls[index % 2])
      statuses.push(answer.status)
    }
    // A burst of 30, and what comes back meanwhile.
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(201))
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(3)
    expect(await instances.sql`select 1 from rate_limits`).toHaveLength(before.length)
    expect(await metricOf(ada.url, 'parley_rate_limits_total{outcome="refused",by="redis"}')).toBeGreaterThan(
      0,
    )
  })

  it('hand over messages, by Redis and not by what is found later', async () => {
    const { atAda, atBen, roomId } = await met()
    const [, there = ''] = instances.urls
    const repaired = await metricOf(there, 'parley_gaps_repaired_total')
    const texts = textsAt(atBen)
    for (const text of ['one', 'two', 'three'])
      await expectOk(call(atAda, 'message:send', { roomId, clientMessageId: text, text }))
    await until('they arrive', () => texts.length === 3)
    expect(texts).toEqual(['one', 'two', 'three'])
    expect(await metricOf(there, 'parley_gaps_repaired_total')).toBe(repaired)
    expect(await asker.pubsub('NUMSUB', 'two:{bus}')).toEqual(['two:{bus}', 2])
  })

  describe('give nothing to whoever writes to Redis (input I5)', () => {
    const HIGHEST = Number.MAX_SAFE_INTEGER
    const FOREIGN_SIGNATURE = 'A'.repeat(22)
    const nameOf = (kind: string, roomId: string, rest: string) => `two:cache:{${kind}:${roomId}:}${rest}`
    const read = (person: Person, roomId: string, query = '') =>
      person.http('GET', `/rooms/${roomId}/messages${query}`)

    /** As a reader makes them be: their membership, and the page. */
    const genuineEntries = async (reader: Person, roomId: string) => {
      const found = async () => {
        expect((await read(reader, roomId)).status).toBe(200)
        const pages = await asker.keys(nameOf('page', roomId, '*'))
        return Promise.all([
          asker.get(nameOf('member', roomId, reader.userId)),
          asker.get(pages[0] ?? ''),
          pages[0],
        ])
      }
      await until('both are in Redis', async () =>
        (await found()).every((entry) => typeof entry === 'string'),
      )
      return (await found()) as [member: string, page: string, pageName: string]
    }

    it('no room', async () => {
      const { ada, roomId } = await met()
      const eve = await Person.signUp(ada.url, 'Eve')
      people.push(eve)
      const [genuine] = await genuineEntries(ada, roomId)
      const name = nameOf('member', roomId, eve.userId)
      const unsigned = [`${HIGHEST}:true`, `${HIGHEST}::true`]
      for (const entry of [...unsigned, `${HIGHEST}:${FOREIGN_SIGNATURE}:true`, genuine]) {
        await asker.set(name, entry)
        // What gives way has been read.
        await until('it gives way', async () => {
          expect(await read(eve, roomId)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
          return (await asker.exists(name)) === 0
        })
      }
    })

    it('no say in what members read', async () => {
      const { ada, ben, atAda, roomId } = await met()
      await expectOk(call(atAda, 'message:send', { roomId, clientMessageId: 'first', text: 'Sincerely' }))
      const [, genuine] = await genuineEntries(ada, roomId)
      const forged = genuine.slice(genuine.indexOf('{')).replace('Sincerely', 'Forged')
      const signature = genuine.split(':')[1]
      const entries = [`:${forged}`, `::${forged}`, `:${signature}:${forged}`, ':{}', '::{}']
      for (const [index, entry] of entries.entries()) {
        // Each on a page that nobody has asked for before.
        const limit = 10 + index
        await asker.set(nameOf('page', roomId, `${limit}`), `${HIGHEST}${entry}`)
        const { status, body } = await read(ben, roomId, `?limit=${limit}`)
        expect(status).toBe(200)
        expect((body.messages as Json[]).map(({ text }) => text)).toEqual(['Sincerely'])
      }
    })

    it('no name of another', async () => {
      const { ada, atAda } = await met()
      const service = await serviceBeside()
      try {
        const find = (socketId: string) => service.parley.findUserBySocket.execute({ socketId })
        const genuineName = `two:session:{${atAda.id}}`
        await until('a session is there', async () => (await asker.exists(genuineName)) === 1)
        const genuine = await asker.hgetall(genuineName)
        const forged = { ...genuine, userId: ada.userId, loginId: 'any', role: 'admin' }
        for (const [socketId, session] of Object.entries({ made: forged, moved: genuine })) {
          await asker.hset(`two:session:{${socketId}}`, session)
          expect(await find(socketId)).toMatchObject({ ok: false, refusal: { code: 'NOT_FOUND' } })
        }
        expect(await find(atAda.id ?? '')).toMatchObject({ ok: true, value: { userId: ada.userId } })
      } finally {
        service.parley.stop()
        await service.close()
      }
    })
  })

  it('tell operators of it', async () => {
    const [url = ''] = instances.urls
    expect(await readiness(url)).toMatchObject({ status: 200, checks: { BusPort: 'ok', SessionPort: 'ok' } })
    const text = await metricsOf(url)
    for (const port of ['BusPort', 'CachePort', 'LockPort', 'PresencePort', 'RateLimitPort', 'SessionPort'])
      expect(text).toContain(`parley_failover_state{port="${port}"} 1`)
    expect(text).toMatch(/^parley_failover_switches_total\{port="BusPort"\} \d+$/m)
    expect(await metricOf(url, 'parley_redis_memory_bytes')).toBeGreaterThan(100_000)
    expect(await metricOf(url, 'parley_redis_latency_seconds')).toBeGreaterThan(0)
    expect(text).toMatch(/^parley_redis_operations_per_second \d/m)
    for (const tier of ['memory', 'redis']) {
      expect(text).toContain(`parley_cache_requests_total{cache="sessions",tier="${tier}",result="hit"}`)
      expect(text).toContain(`parley_cache_fills_total{cache="sessions",tier="${tier}"}`)
    }
    expect(text).toContain('parley_cache_bytes{cache="sessions",tier="memory"}')

    const { status, body } = await request(url, 'GET', '/api/v1/admin/overview', { token: ADMIN })
    expect(status).toBe(200)
    const ids = (body.instances as Json[]).map(({ id }) => id)
    expect(ids).toHaveLength(2)
    const failover = body.failover as Json[]
    expect(new Set(failover.map(({ instance }) => instance))).toEqual(new Set(ids))
    expect(failover).toContainEqual({
      instance: ids[1],
      port: 'SessionPort',
      state: 'primary',
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      switches: expect.any(Number),
    })
    const found = body.redis as { instance: string; report: Json }[]
    expect(found.map(({ instance }) => instance)).toEqual(ids)
    for (const { report } of found)
      expect(report).toMatchObject({
        state: 'up',
        memoryBytes: expect.any(Number),
        latencyMs: expect.any(Number),
      })
  })
})

it('what speaks to Redis is not loaded where there is none', async () => {
  const script = `
    await import(${JSON.stringify(pathToFileURL(resolve('dist/apps/server/serve.js')).href)})
    const { createRequire } = await import('node:module')
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    process.stdout.write(JSON.stringify(['inversify', 'ioredis', 'fastify'].map((name) => loaded.some((path) => path.includes('/node_modules/' + name + '/')))))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: resolve('.'),
  })
  expect(JSON.parse(stdout).slice(1)).toEqual([false, true])
})
