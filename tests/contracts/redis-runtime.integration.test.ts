import { afterAll, beforeAll } from 'vitest'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { holdRedisAdapters } from '../support/redis-adapters.js'

describeWithRedis('with one Redis', () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await RedisServer.start()
  })

  afterAll(async () => {
    await server?.stop()
  })

  holdRedisAdapters(() => ({ url: server.url }))
})
