import { afterAll, beforeAll } from 'vitest'
import { describeWithRedis } from '../support/redis.js'
import { holdRedisAdapters } from '../support/redis-adapters.js'
import { RedisCluster } from '../support/redis-cluster.js'

describeWithRedis('with a Redis Cluster', () => {
  let cluster: RedisCluster

  beforeAll(async () => {
    cluster = await RedisCluster.start()
  }, 60_000)

  afterAll(async () => {
    await cluster?.stop()
  })

  holdRedisAdapters(() => ({ url: cluster.urls, isCluster: true }))
})
