import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { freePort } from '../support/free-port.js'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, type Json, PASSWORD, Person, request, until } from '../support/person.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'

const ADMIN = 'a-token-of-the-administrator'

type Readiness = { readonly status: number; readonly checks: Readonly<Record<string, string>> }

async function readiness(url: string): Promise<Readiness & { readonly verdict: unknown }> {
  const { status, body } = await request(url, 'GET', '/readyz')
  return { status, verdict: body.status, checks: body.checks as Readiness['checks'] }
}

const isOnRedis = async (url: string) => (await readiness(url)).verdict === 'ok'
const metricsOf = async (url: string) => String((await request(url, 'GET', '/metrics')).body.text)

async function metricOf(url: string, name: string): Promise<number> {
  const line = (await metricsOf(url)).split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}

/** Of two people at two instances, in a room of theirs. */
async function meet([here = '', there = '']: readonly string[]) {
  const [ada, ben] = await Promise.all([Person.signUp(here, 'Ada'), Person.signUp(there, 'Ben')])
  const roomId = await ada.createRoom()
  await ada.invite(roomId, ben)
  const [atAda, atBen] = await Promise.all([ada.connect(), ben.connect()])
  await expectOk(call(atAda, 'room:join', { roomId }))
  await expectOk(call(atBen, 'room:join', { roomId }))
  return { ada, ben, atAda, atBen, roomId }
}

const textsAt = (socket: Socket): string[] => {
  const texts: string[] = []
  socket.on(
    'room:events',
    ({ events }: { events: { type: string; data: { message?: { text: string } } }[] }) => {
      for (const { data } of events) if (data.message !== undefined) texts.push(data.message.text)
    },
  )
  return texts
}

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
    expect(await metricOf(ada.url, 'parley_rate_limits_total{outcome="refused"}')).toBeGreaterThan(0)
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
    expect(await asker.pubsub('NUMSUB', 'two:bus')).toEqual(['two:bus', 2])
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

describeWithRedis('two servers whose Redis comes late and leaves for ever', () => {
  let redis: RedisServer | null = null
  let instances: Instances

  afterAll(async () => {
    await instances?.stop()
    await redis?.stop()
  })

  /** What two people are answered, without what is new each time. */
  async function answers(urls: readonly string[]): Promise<Json> {
    const { ada, ben, atAda, atBen, roomId } = await meet(urls)
    try {
      const texts = textsAt(atBen)
      const sent = []
      for (const text of ['one', 'two', 'two'])
        sent.push(await expectOk(call(atAda, 'message:send', { roomId, clientMessageId: text, text })))
      await until('they arrive', () => texts.length === 2)
      const ids = sent.map((data) => (data.message as Json).id)
      const page = await ben.http('GET', `/rooms/${roomId}/messages?minSeq=4`)
      await until('each sees the other', async () => {
        const { body } = await ben.http('GET', `/rooms/${roomId}/presence`)
        return (body.members as Json[]).every(({ state }) => state === 'online')
      })
      const again = await ada.signInAgain(urls[1])
      const ended = new Promise((resolve) => atAda.once('session:ended', resolve))
      const logins = (await again.http('GET', '/auth/sessions')).body.sessions as Json[]
      const other = logins.find(({ current }) => current === false)
      const ending = await again.http('DELETE', `/auth/sessions/${other?.id}`)
      const reason = await Promise.race([ended, sleep(5_000, 'not told', { ref: false })])
      // The contract gives it a second.
      await until(
        'her other login is refused',
        async () => (await ada.http('GET', '/me')).status === 401,
        5_000,
      )
      return {
        texts,
        isSentOnce: new Set(ids).size === 2 && ids[1] === ids[2],
        page: (page.body.messages as Json[]).map(({ seq, text }) => [seq, text]),
        headSeq: page.body.headSeq,
        logins: logins.length,
        ending: ending.status,
        reason,
        stranger: (await (await Person.signUp(urls[0] ?? '', 'Eve')).http('GET', `/rooms/${roomId}`)).body
          .code,
        wrong: (
          await request(urls[1] ?? '', 'POST', '/api/v1/auth/sign-in', {
            body: { email: ben.email, password: `not ${PASSWORD}` },
          })
        ).status,
      }
    } finally {
      ada.close()
      ben.close()
    }
  }

  it('answer the same throughout (fault R17)', async () => {
    const port = await freePort()
    instances = await startInstances(2, { REDIS_URL: `redis://:a-quiet-word@127.0.0.1:${port}` })
    const { urls } = instances
    for (const url of urls)
      expect(await readiness(url)).toMatchObject({
        status: 200,
        verdict: 'degraded',
        checks: { postgres: 'ok', BusPort: 'degraded', PresencePort: 'degraded' },
      })
    const without = await answers(urls)
    expect(without).toMatchObject({ texts: ['one', 'two'], isSentOnce: true, reason: { reason: 'ended' } })
    expect(await metricsOf(urls[0] ?? '')).not.toMatch(/^parley_redis_memory_bytes/m)

    redis = await RedisServer.start({ port, config: { requirepass: 'a-quiet-word' } })
    await until(
      'both are on Redis',
      async () => (await Promise.all(urls.map(isOnRedis))).every(Boolean),
      30_000,
    )
    expect(await answers(urls)).toEqual(without)
    const counted = new Redis(redis.url, { password: 'a-quiet-word' })
    expect(await counted.dbsize()).toBeGreaterThan(5)
    counted.disconnect()

    const conversation = answers(urls)
    await sleep(150)
    await redis.kill()
    expect(await conversation).toEqual(without)
    expect(await answers(urls)).toEqual(without)
    for (const url of urls) {
      expect(await readiness(url)).toMatchObject({ status: 200, verdict: 'degraded' })
      expect(await metricOf(url, 'parley_failover_state{port="BusPort"}')).toBe(0)
    }
    for (const server of instances.servers) expect(server.output()).not.toContain('a-quiet-word')
  }, 180_000)
})
