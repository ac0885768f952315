import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, it } from 'vitest'
import {
  RedisBus,
  RedisCache,
  RedisConnection,
  RedisLock,
  RedisPresence,
  RedisRateLimit,
  RedisSessions,
} from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { describeWithRedis } from '../support/redis.js'
import { RedisCluster } from '../support/redis-cluster.js'
import { isUp } from '../support/redis-connections.js'
import { busPortContract } from './bus-port.contract.js'
import { cachePortContract } from './cache-port.contract.js'
import { lockPortContract } from './lock-port.contract.js'
import { presencePortContract } from './presence-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

const passTimeMs = (ms: number) => sleep(ms)
/** A stall of a busy machine is no outage. */
const CALM_MS = 5_000

describeWithRedis('with a Redis Cluster', () => {
  let cluster: RedisCluster

  /** With connections of two processes and a prefix of its own, so that what one behaviour leaves says nothing to another. */
  const withTwo = async (
    work: (first: RedisConnection, second: RedisConnection) => Promise<void>,
  ): Promise<void> => {
    const prefix = `${randomUUID()}:`
    const connect = () =>
      new RedisConnection({
        url: cluster.urls,
        isCluster: true,
        prefix,
        secret: 'a secret that all processes have, and nobody else',
        clock: new SystemClock(),
        commandDeadlineMs: CALM_MS,
      })
    const [first, second] = [connect(), connect()]
    try {
      await Promise.all([first.start(), second.start()])
      await Promise.all([isUp(first), isUp(second)])
      await work(first, second)
    } finally {
      first.close()
      second.close()
    }
  }

  beforeAll(async () => {
    cluster = await RedisCluster.start()
  }, 60_000)

  afterAll(async () => {
    await cluster?.stop()
  })

  it.concurrent.each(Object.entries(lockPortContract))('RedisLock: %s', (_behaviour, verify) =>
    withTwo(async (first, second) => {
      await verify({ lock: new RedisLock(first), peer: new RedisLock(second), passTimeMs })
    }),
  )

  it.concurrent.each(Object.entries(rateLimitPortContract))('RedisRateLimit: %s', (_behaviour, verify) =>
    withTwo(async (first, second) => {
      await verify({ limits: new RedisRateLimit(first), peer: new RedisRateLimit(second), passTimeMs })
    }),
  )

  it.concurrent.each(Object.entries(cachePortContract))('RedisCache: %s', (_behaviour, verify) =>
    withTwo(async (first) => {
      await verify({ cache: new RedisCache(first), passTimeMs })
    }),
  )

  it.concurrent.each(Object.entries(sessionPortContract))('RedisSessions: %s', (_behaviour, verify) =>
    withTwo(async (first, second) => {
      const ended = new Set<string>()
      const open = (redis: RedisConnection) => new RedisSessions(redis, (loginId) => ended.has(loginId))
      await verify({
        sessions: open(first),
        peer: open(second),
        openLogin: async () => ({ userId: randomUUID(), loginId: randomUUID() }),
        endLogin: async (loginId) => void ended.add(loginId),
      })
    }),
  )

  it.concurrent.each(Object.entries(presencePortContract))('RedisPresence: %s', (_behaviour, verify) =>
    withTwo(async (first, second) => {
      const leaseMs = 2_500
      let booted = 0
      const boot = () => {
        booted += 1
        return new RedisPresence(booted % 2 === 0 ? first : second, leaseMs)
      }
      await verify({ boot, leaseMs, passTimeMs })
    }),
  )

  it.concurrent.each(Object.entries(busPortContract))('RedisBus: %s', (_behaviour, verify) =>
    withTwo(async (first, second) => {
      const [a, b, c] = [new RedisBus(first), new RedisBus(second), new RedisBus(second)]
      try {
        await verify({ a, b, c })
      } finally {
        await Promise.all([a.close(), b.close(), c.close()])
      }
    }),
  )
})
