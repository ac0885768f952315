import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { meet, textsAt } from '../support/meeting.js'
import { call, expectOk, type Person, until } from '../support/person.js'
import { isOnRedis, readiness } from '../support/probes.js'
import { describeWithRedis } from '../support/redis.js'
import { SentinelSet } from '../support/redis-sentinels.js'

describeWithRedis('two servers whose Redis a Sentinel names', () => {
  let set: SentinelSet
  let instances: Instances
  const people: Person[] = []

  beforeAll(async () => {
    set = await SentinelSet.start()
    const { url, sentinels } = set.options
    instances = await startInstances(2, {
      REDIS_URL: url,
      REDIS_SENTINELS: sentinels.urls.join(),
      REDIS_SENTINEL_NAME: sentinels.masterName,
    })
  }, 90_000)
  afterEach(() => {
    for (const person of people.splice(0)) person.close()
  })
  afterAll(async () => {
    await instances?.stop()
    await set?.stop()
  })

  const allOnRedis = async () => (await Promise.all(instances.urls.map(isOnRedis))).every(Boolean)

  it('deliver on while the master is dead, and use the one that was promoted', async () => {
    await until('both use Redis', allOnRedis)
    const { ada, ben, atAda, atBen, roomId } = await meet(instances.urls)
    people.push(ada, ben)
    const texts = textsAt(atBen)
    const say = (text: string) =>
      expectOk(call(atAda, 'message:send', { roomId, clientMessageId: randomUUID(), text }))
    await (await set.master()).kill()
    await say('while it is dead')
    await until('the message is there', () => texts.length === 1)
    const [url = ''] = instances.urls
    await until('it is given up', async () => (await readiness(url)).verdict === 'degraded')
    await until('both use Redis again', allOnRedis, 30_000)
    await say('after it')
    await until('the other message is there', () => texts.length === 2)
    expect(texts).toEqual(['while it is dead', 'after it'])
  }, 90_000)
})
