import { describe, it } from 'vitest'
import {
  FailoverBus,
  FailoverCache,
  FailoverLock,
  FailoverRateLimit,
  FailoverSessions,
} from '../../adapters/failover/index.js'
import { MemoryCache, MemoryRateLimit } from '../../adapters/memory/index.js'
import {
  type Database,
  PostgresBus,
  PostgresLock,
  PostgresRateLimit,
  PostgresSessions,
  ProcessLease,
} from '../../adapters/postgres/index.js'
import {
  RedisBus,
  RedisCache,
  type RedisConnection,
  RedisLock,
  RedisRateLimit,
  RedisSessions,
} from '../../adapters/redis/index.js'
import { type FailingRedis, failingRedis, OUTAGES } from '../support/failing-redis.js'
import { passTimeMs } from '../support/pass-time.js'
import { openTestLogin } from '../support/postgres-login.js'
import { describeWithRedis } from '../support/redis.js'
import { busPortContract } from './bus-port.contract.js'
import { cachePortContract } from './cache-port.contract.js'
import { lockPortContract } from './lock-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

describeWithRedis('failing over from Redis, also from one that is slow (fault R8),', () => {
  type Pair = (redis: FailingRedis) => ReturnType<FailingRedis['nextTurn']>
  const modes = [
    ...OUTAGES.map(([name, mode]): [string, Pair] => [`is ${name}`, ({ processes }) => processes(mode)]),
    ['changes all the time', ({ nextTurn }) => nextTurn()] as [string, Pair],
  ]

  describe.concurrent.each(modes)('that %s', (_name, pairOn) => {
    const failing = failingRedis()
    const { clock, databases, close } = failing
    const pair = () => pairOn(failing)

    it.sequential.each(Object.entries(lockPortContract))('FailoverLock: %s', async (_behaviour, verify) => {
      const [a, b] = await pair()
      const [first, second] = databases()
      const on = (redis: RedisConnection, database: Database) =>
        new FailoverLock(new RedisLock(redis), new PostgresLock(database), redis.health)
      await verify({ lock: on(a, first), peer: on(b, second), passTimeMs })
    })

    it.sequential.each(Object.entries(rateLimitPortContract))(
      'FailoverRateLimit: %s',
      async (_behaviour, verify) => {
        const [a, b] = await pair()
        const [first, second] = databases()
        const on = (redis: RedisConnection, database: Database) =>
          new FailoverRateLimit(
            new RedisRateLimit(redis),
            {
              local: new MemoryRateLimit(clock),
              processes: () => 2,
              shared: new PostgresRateLimit(database),
              isGuarded: () => true,
            },
            redis.health,
          )
        await verify({ limits: on(a, first), peer: on(b, second), passTimeMs })
      },
    )

    it.sequential.each(Object.entries(cachePortContract))('FailoverCache: %s', async (_behaviour, verify) => {
      const [redis] = await pair()
      const cache = new FailoverCache(new RedisCache(redis), new MemoryCache(clock), redis.health)
      await verify({ cache, passTimeMs })
    })

    it.sequential.each(Object.entries(sessionPortContract))(
      'FailoverSessions: %s',
      async (_behaviour, verify) => {
        const [a, b] = await pair()
        const [first, second] = databases()
        const ended = new Set<string>()
        const on = (redis: RedisConnection, database: Database) =>
          new FailoverSessions(
            new RedisSessions(redis, (loginId) => ended.has(loginId)),
            new PostgresSessions(database, new ProcessLease(database)),
            redis.health,
            clock,
          )
        const endLogin = async (loginId: string) => {
          await first.call('test', async (sql) => {
            await sql`update logins set ended_at_ms = 0, end_reason = 'ended' where id = ${loginId}`
          })
          ended.add(loginId)
        }
        await verify({
          sessions: on(a, first),
          peer: on(b, second),
          openLogin: () => openTestLogin(first),
          endLogin,
        })
      },
    )

    it.sequential.each(Object.entries(busPortContract))('FailoverBus: %s', async (_behaviour, verify) => {
      const [redisA, redisB] = await pair()
      const [first, second] = databases()
      const on = (redis: RedisConnection, database: Database) => {
        const [primary, fallback] = [new RedisBus(redis), new PostgresBus(database)]
        const bus = new FailoverBus(primary, fallback, redis.health)
        close(() => bus.close())
        close(() => primary.close())
        close(() => fallback.close())
        return bus
      }
      await verify({ a: on(redisA, first), b: on(redisB, second), c: on(redisB, second) })
    })
  })
})
