import { randomUUID } from 'node:crypto'
import { it } from 'vitest'
import {
  RedisBus,
  RedisCache,
  RedisConnection,
  type RedisConnectionOptions,
  RedisLock,
  RedisPresence,
  RedisRateLimit,
  RedisSessions,
} from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { busPortContract } from '../contracts/bus-port.contract.js'
import { cachePortContract } from '../contracts/cache-port.contract.js'
import { lockPortContract } from '../contracts/lock-port.contract.js'
import { presencePortContract } from '../contracts/presence-port.contract.js'
import { rateLimitPortContract } from '../contracts/rate-limit-port.contract.js'
import { sessionPortContract } from '../contracts/session-port.contract.js'
import { passTimeMs } from './pass-time.js'
import { isUp } from './redis-connections.js'

/** A stall of a busy machine is no outage. */
const CALM_MS = 5_000
const SECRET = 'a secret that all processes have, and nobody else'

/** Defines the tests by which all adapters on Redis are held to their ports; where that is, is asked when they run. */
export function holdRedisAdapters(where: () => Pick<RedisConnectionOptions, 'url' | 'isCluster'>): void {
  /** With connections of two processes and a prefix of its own, so that what one behaviour leaves says nothing to another. */
  const withTwo = async (
    work: (first: RedisConnection, second: RedisConnection) => Promise<void>,
  ): Promise<void> => {
    const prefix = `${randomUUID()}:`
    const connect = () =>
      new RedisConnection({
        ...where(),
        prefix,
        secret: SECRET,
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
      // Long enough for a busy machine to renew it in time.
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
}
