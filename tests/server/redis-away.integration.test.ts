import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.js'
import { type Instances, startInstances } from '../support/instances.js'
import { meet, textsAt } from '../support/meeting.js'
import { call, expectOk, type Json, PASSWORD, Person, request, until } from '../support/person.js'
import { isOnRedis, metricOf, metricsOf, readiness } from '../support/probes.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { startServer } from '../support/server-process.js'

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

  it('answer the same throughout (fault R17, pitfall 5)', async () => {
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

describeWithRedis('a server whose Redis is away', () => {
  let redis: RedisServer
  const stopping: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    redis = await RedisServer.start()
  })
  afterEach(async () => {
    redis.thaw()
    for (const stop of stopping.splice(0).reverse()) await stop()
    await redis.stop()
  })

  const start = async (count: number, more: Record<string, string>): Promise<Instances> => {
    const instances = await startInstances(count, { REDIS_URL: redis.url, ...more })
    stopping.push(() => instances.stop())
    await until('all are on Redis', async () =>
      (await Promise.all(instances.urls.map(isOnRedis))).every(Boolean),
    )
    return instances
  }

  it('counts guesses at a password over all instances (input E4, pitfall 10)', async () => {
    const { urls } = await start(2, { PARLEY_LIMIT_FACTOR: '1' })
    const { email } = await Person.signUp(urls[0] ?? '', 'Owner')
    await redis.kill()
    const startedAt = performance.now()
    const body = { email, password: `not ${PASSWORD}` }
    const tries = Array.from({ length: 40 }, (_, index) => index)
    const statuses = await Promise.all(
      tries.map(
        async (index) =>
          (await request(urls[index % 2] ?? '', 'POST', '/api/v1/auth/sign-in', { body })).status,
      ),
    )
    const compared = statuses.filter((status) => status === 401).length
    expect(new Set(statuses)).toEqual(new Set([401, 429]))
    // 10 at once and 5 a minute, for this account from this address.
    expect(compared).toBeLessThanOrEqual(10 + Math.ceil((performance.now() - startedAt) / 12_000))
  })

  it('gives each instance its share of every other limit (input G9, pitfall 10)', async () => {
    const { urls, sql } = await start(2, { PARLEY_LIMIT_FACTOR: '1' })
    const ada = await Person.signUp(urls[0] ?? '', 'Ada')
    const roomId = await ada.createRoom()
    await Promise.all(urls.map((url) => ada.connect(url)))
    await until('both are counted', async () => {
      const leases = await sql`select 1 from process_leases where expires_at > clock_timestamp()`
      return leases.length === 2
    })
    // Until the next count.
    await sleep(11_000)
    await redis.kill()
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const message = { clientMessageId: `m${index}`, text: 'Hello' }
        return (await ada.http('POST', `/rooms/${roomId}/messages`, message, urls[index % 2])).status
      }),
    )
    ada.close()
    const sent = statuses.filter((status) => status === 201).length
    // 15 of the burst of 30 at each, what comes back meanwhile, and what was asked of Redis before it was known to be away.
    expect(sent).toBeGreaterThanOrEqual(28)
    expect(sent).toBeLessThanOrEqual(36)
  })

  it('refuses what a removed member does, and pushes nothing to them of what comes after (input C5)', async () => {
    const { urls } = await start(2, {})
    const { ada, ben, atAda, atBen, roomId } = await meet(urls)
    const cleo = await Person.signUp(urls[1] ?? '', 'Cleo')
    await ada.invite(roomId, cleo)
    const atCleo = await cleo.connect()
    await expectOk(call(atCleo, 'room:join', { roomId }))
    const seqs: number[] = []
    atBen.on('room:events', ({ events }: { events: { seq: number }[] }) => {
      seqs.push(...events.map(({ seq }) => seq))
    })
    const heard = textsAt(atCleo)
    await redis.kill()
    const removed = await ada.http('DELETE', `/rooms/${roomId}/members/${ben.userId}`)
    expect(removed.status).toBeLessThan(300)
    const page = await ada.http('GET', `/rooms/${roomId}/messages`)
    for (const text of ['one', 'two'])
      await expectOk(call(atAda, 'message:send', { roomId, clientMessageId: text, text }))
    await until('those who stay hear it', () => heard.length === 2)
    await sleep(1_000)
    expect(heard).toEqual(['one', 'two'])
    expect(seqs.at(-1)).toBe(page.body.headSeq)
    for (const [event, payload] of [
      ['message:send', { roomId, clientMessageId: 'late', text: 'I am still here' }],
      ['message:list', { roomId }],
      ['room:sync', { roomId, since: 0 }],
      ['room:join', { roomId }],
    ] as const)
      expect(await call(atBen, event, payload)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
    for (const person of [ada, ben, cleo]) person.close()
  })

  it('answers as soon as one that has one, and stops in time, also while it hangs (fault R2, pitfall 3)', async () => {
    const { servers, urls } = await start(1, {})
    const ada = await Person.signUp(urls[0] ?? '', 'Ada')
    const roomId = await ada.createRoom()
    const socket = await ada.connect()
    await expectOk(call(socket, 'room:join', { roomId }))
    redis.freeze()
    const tookMs: number[] = []
    for (let index = 0; index < 20; index += 1) {
      const startedAt = performance.now()
      await expectOk(call(socket, 'message:send', { roomId, clientMessageId: `m${index}`, text: 'Hello' }))
      tookMs.push(performance.now() - startedAt)
    }
    // One waits out the deadline of a command; the others are spared it.
    expect(tookMs.filter((ms) => ms > 150).length).toBeLessThanOrEqual(2)
    expect(Math.max(...tookMs)).toBeLessThan(1_500)
    const startedAt = performance.now()
    expect(await servers[0]?.stop()).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  it('delivers at once, and is idle between, while it is down (pitfalls 5 and 6)', async () => {
    const { urls, servers } = await start(2, {})
    const { ada, ben, atAda, atBen, roomId } = await meet(urls)
    const also = await ben.connect(urls[0])
    await expectOk(call(also, 'room:join', { roomId }))
    await redis.kill()
    await expectOk(call(atAda, 'message:send', { roomId, clientMessageId: 'first', text: 'first' }))
    await until('it is given up', async () => (await readiness(urls[0] ?? '')).verdict === 'degraded')
    const [here, there] = [textsAt(also), textsAt(atBen)]
    const usedS = () => Promise.all(urls.map((url) => metricOf(url, 'process_cpu_seconds_total')))
    const [before, startedAt] = [await usedS(), performance.now()]
    const texts = Array.from({ length: 20 }, (_, n) => `text-${n}`)
    for (const text of texts) {
      const sentAt = performance.now()
      const sent = call(atAda, 'message:send', { roomId, clientMessageId: text, text })
      await until('it is here', () => here.at(-1) === text)
      expect(performance.now() - sentAt).toBeLessThan(1_000)
      await expectOk(sent)
      await sleep(250)
    }
    await until('all are there', () => there.length === texts.length)
    const tookS = (performance.now() - startedAt) / 1_000
    expect([here, there]).toEqual([texts, texts])
    for (const [index, seconds] of (await usedS()).entries())
      expect(seconds - (before[index] ?? 0), `of ${tookS} s`).toBeLessThan(tookS / 2)
    for (const server of servers) expect(await server.stop()).toBe(0)
    for (const person of [ada, ben]) person.close()
  })

  it('has the embedded Postgres behind it where there is no other', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'parley-redis-embedded-'))
    stopping.push(() => rm(dataDir, { recursive: true, force: true }))
    const server = await startServer({ PARLEY_DATA_DIR: dataDir, REDIS_URL: redis.url }, 60_000)
    stopping.push(() => server.stop())
    await until('it is on Redis', () => isOnRedis(server.url))
    const ada = await Person.signUp(server.url, 'Ada')
    await redis.kill()
    const roomId = await ada.createRoom()
    const message = { clientMessageId: 'one', text: 'Hello' }
    expect((await ada.http('POST', `/rooms/${roomId}/messages`, message)).status).toBe(201)
    expect(await readiness(server.url)).toMatchObject({ status: 200, verdict: 'degraded' })
  })
})
