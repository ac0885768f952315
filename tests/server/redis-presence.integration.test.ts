import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { isOnRedis } from '../support/probes.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { operate } from '../support/redis-connections.js'

/** A beat, within which a process puts back what Redis has lost, and some time for a busy machine. */
const AFTER_BEAT_MS = 12_000
const AWAY_MS = 3_000

describeWithRedis('presence over two servers on one Redis', () => {
  let redis: RedisServer
  let instances: Instances

  beforeAll(async () => {
    redis = await RedisServer.start()
    instances = await startInstances(2, { REDIS_URL: redis.url })
  })
  afterAll(async () => {
    await instances?.stop()
    await redis?.stop()
  })

  const bothOnRedis = () =>
    until(
      'both are on Redis',
      async () => (await Promise.all(instances.urls.map(isOnRedis))).every(Boolean),
      30_000,
    )

  it('shows nobody gone, and all who are there, while Redis is emptied, dies and comes back (pitfall 9)', async () => {
    await bothOnRedis()
    const [here = '', there = ''] = instances.urls
    const [ada, ben] = await Promise.all([Person.signUp(here, 'Ada'), Person.signUp(there, 'Ben')])
    try {
      const roomId = await ada.createRoom()
      await ada.invite(roomId, ben)
      const watcher = await ada.connect()
      await expectOk(call(watcher, 'room:join', { roomId }))
      const told: string[] = []
      watcher.on('presence', ({ userId, state }: { userId: string; state: string }) => {
        if (userId === ben.userId) told.push(state)
      })
      const stateOfBen = async () => {
        const { body } = await ada.http('GET', `/rooms/${roomId}/presence`)
        const members = body.members as { userId: string; state: string }[]
        return members.find(({ userId }) => userId === ben.userId)?.state
      }
      await ben.connect()
      await until('the others are told that he came', () => told.includes('online'))
      await operate(redis.url, 'flushall')
      await sleep(AFTER_BEAT_MS)
      expect(await stateOfBen()).toBe('online')
      await redis.kill()
      await sleep(AWAY_MS)
      expect(await stateOfBen()).toBe('online')
      await redis.restart()
      await bothOnRedis()
      await sleep(AFTER_BEAT_MS)
      expect(await stateOfBen()).toBe('online')
      expect(told).not.toContain('offline')
    } finally {
      ada.close()
      ben.close()
    }
  }, 120_000)
})
