import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../../../support/instances.js'
import { Person, until } from '../../../../support/person.js'
import { readiness } from '../../../../support/probes.js'
import { describeWithRedis, RedisServer } from '../../../../support/redis.js'
import { workDone } from './redis-use.js'

/** Some probes of the bus, reviews of presence and a beat. */
const IDLE_MS = 12_000

describeWithRedis('the use of Redis for users', () => {
  let redis: RedisServer
  let instances: Instances
  let client: Redis

  beforeAll(async () => {
    redis = await RedisServer.start()
    instances = await startInstances(2, { REDIS_URL: redis.url })
    client = new Redis(redis.url)
  })
  afterAll(async () => {
    client?.disconnect()
    await instances?.stop()
    await redis?.stop()
  })

  it('is none of servers without users, and some with one', async () => {
    for (const url of instances.urls)
      await until('it is on Redis', async () => (await readiness(url)).checks.RateLimitPort === 'ok')
    await client.config('RESETSTAT')
    await sleep(IDLE_MS)
    const stats = await client.info('commandstats')
    expect(stats).toMatch(/cmdstat_publish:calls=[1-9]/)
    expect(stats).toMatch(/cmdstat_evalsha:calls=[1-9]/)
    expect(await workDone({ client }), stats).toBe(0)
    const nora = await Person.signUp(instances.urls[0] ?? '', 'Nora')
    const roomId = await nora.createRoom()
    const before = await workDone({ client })
    const message = { clientMessageId: randomUUID(), text: 'Hello' }
    expect((await nora.http('POST', `/rooms/${roomId}/messages`, message)).status).toBe(201)
    expect(await workDone({ client })).toBeGreaterThan(before)
  })
})
