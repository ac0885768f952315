import {
  FailoverBus,
  FailoverCache,
  FailoverPresence,
  FailoverSessions,
} from '../../../adapters/failover/index.js'
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import { MemoryCache, MemoryPasswords, MemoryRateLimit } from '../../../adapters/memory/index.js'
import {
  createPostgresStore,
  openDatabase,
  PostgresBus,
  PostgresPresence,
  PostgresSessions,
} from '../../../adapters/postgres/index.js'
import {
  RedisBus,
  RedisCache,
  RedisConnection,
  RedisPresence,
  RedisSessions,
} from '../../../adapters/redis/index.js'
import { JwtTokens, SystemClock, UuidIds } from '../../../adapters/system/index.js'
import { createParley, type Parley } from '../../../core/parley.js'
import type { CachePort } from '../../../core/ports/cache-port.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'

export type ReadingProcess = {
  readonly parley: Parley
  /** Answers by tier, so that nobody takes a cache that was never asked for one that is right. */
  counts(): {
    readonly memory: number
    readonly redis: number
    readonly staleRefused: number
    readonly switches: number
  }
  close(): Promise<void>
}

export type ReadingProcessOptions = {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly authSecret: string
  /** False: what it has read before only Redis tells it. */
  readonly hasMemory: boolean
}

const UNLIMITED = 1_000_000

const REMEMBERS_NOTHING: CachePort = {
  get: async () => null,
  put: async () => undefined,
  drop: async () => undefined,
}

/** What a server process is without its sockets: the use cases over Redis, with Postgres behind it. */
export async function openReadingProcess(options: ReadingProcessOptions): Promise<ReadingProcess> {
  const clock = new SystemClock()
  const database = openDatabase({ url: options.databaseUrl, poolSize: 5 })
  const redis = new RedisConnection({ url: options.redisUrl, secret: options.authSecret, clock })
  await redis.start()
  const { health } = redis
  const buses = [new RedisBus(redis), new PostgresBus(database)] as const
  const bus = new FailoverBus(...buses, health)
  const presence = new FailoverPresence(
    { primary: new RedisPresence(redis), fallback: new PostgresPresence(database) },
    health,
  )
  const [shared, memory] = [new RedisCache(redis), new MemoryCache(clock)]
  const limits = new ScaledRateLimit(new MemoryRateLimit(clock), UNLIMITED)
  const parley: Parley = createParley({
    ...createPostgresStore(database),
    sessions: new FailoverSessions(
      new RedisSessions(redis, (loginId) => parley.loginFeed.hasEnded(loginId)),
      new PostgresSessions(database),
      health,
      clock,
    ),
    presence,
    cache: new FailoverCache(shared, options.hasMemory ? memory : REMEMBERS_NOTHING, health),
    limits,
    localLimits: limits,
    bus,
    mediator: new AlwaysDeliver(),
    notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
    passwords: new MemoryPasswords(),
    tokens: new JwtTokens({ secret: options.authSecret, clock }),
    clock,
    ids: new UuidIds(),
  })
  await parley.start()
  return {
    parley,
    counts() {
      const [near, far] = [memory.stats(), shared.stats()]
      return {
        memory: near.hits,
        redis: far.hits,
        staleRefused: near.staleRefused + far.staleRefused,
        switches: health.switches,
      }
    },
    async close() {
      parley.stop()
      await presence.leave()
      bus.close()
      await Promise.all(buses.map((each) => each.close()))
      redis.close()
      await database.close()
    },
  }
}
