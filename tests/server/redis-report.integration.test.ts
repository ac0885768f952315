import { afterAll, beforeAll, expect, it } from 'vitest'
import { reportOf } from '../../apps/server/composition/redis-report.js'
import { describeWithRedis } from '../support/redis.js'
import { RedisCluster } from '../support/redis-cluster.js'
import { isUp, operate, redisConnections } from '../support/redis-connections.js'

describeWithRedis('what is told of a Redis Cluster', () => {
  const { connect } = redisConnections()
  let cluster: RedisCluster

  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster?.stop())

  it('is the sum over its masters', async () => {
    const redis = await connect({ url: cluster.urls, isCluster: true })
    await isUp(redis)
    const used = await Promise.all(
      cluster.nodes.map(async ({ url }) =>
        Number(/^used_memory:(\d+)/m.exec(String(await operate(url, 'info', 'memory')))?.[1]),
      ),
    )
    const { memoryBytes } = await reportOf(redis)
    const sum = used.reduce((total, bytes) => total + bytes, 0)
    // Each has about as much; connections come and go.
    expect((memoryBytes ?? 0) / sum).toBeGreaterThan(0.8)
    expect((memoryBytes ?? 0) / sum).toBeLessThan(1.2)
  })
})
