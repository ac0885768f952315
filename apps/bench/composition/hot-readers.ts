import { FailoverSessions } from '../../../adapters/failover/index.js'
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryPasswords,
  MemoryRateLimit,
} from '../../../adapters/memory/index.js'
import {
  createPostgresStore,
  type Database,
  openDatabase,
  PostgresPresence,
  PostgresSessions,
} from '../../../adapters/postgres/index.js'
import { RedisCache, RedisConnection, RedisSessions } from '../../../adapters/redis/index.js'
import { JwtTokens, SystemClock, UuidIds } from '../../../adapters/system/index.js'
import { createParley, type Parley } from '../../../core/parley.js'
import type { CachePort } from '../../../core/ports/cache-port.js'
import type { SessionPort } from '../../../core/ports/session-port.js'
import { NamedCaches, SESSIONS } from '../../server/composition/caches.js'
import type { Tier } from '../hot-reads/protocol.js'

export type HotReader = {
  readonly tier: Tier
  readonly parley: Parley
  close(): Promise<void>
}

type Stores = { readonly databaseUrl: string; readonly redisUrl: string; readonly authSecret: string }

const REMEMBERS_NOTHING: CachePort = {
  get: async () => null,
  put: async () => undefined,
  drop: async () => undefined,
}

/** A process that reads through the use cases of the product, with one tier of the cache alone; null: that is not there. */
export async function openHotReader(tier: Tier, stores: Stores): Promise<HotReader> {
  const clock = new SystemClock()
  const database = openDatabase({ url: stores.databaseUrl })
  const redis = tier === 'Redis' ? await connected(stores, clock) : null
  const cache =
    tier === 'memory' ? new MemoryCache(clock) : redis === null ? REMEMBERS_NOTHING : withoutMemory(redis)
  const truth = new PostgresSessions(database)
  const sessions =
    redis === null
      ? truth
      : new FailoverSessions(
          new RedisSessions(redis, (loginId) => parley.loginFeed.hasEnded(loginId)),
          truth,
          redis.health,
          clock,
        )
  const parley: Parley = parleyOver({ database, sessions, cache, clock, authSecret: stores.authSecret })
  await parley.start()
  return {
    tier,
    parley,
    async close() {
      parley.stop()
      redis?.close()
      await database.close()
    },
  }
}

/** As in the server, but for the memory in front: Redis holds sessions as `SessionPort`, and all else as a cache. */
function withoutMemory(redis: RedisConnection): CachePort {
  const shared = new RedisCache(redis)
  return new NamedCaches((name) => ({ cache: name === SESSIONS ? REMEMBERS_NOTHING : shared, tiers: {} }))
}

async function connected({ redisUrl, authSecret }: Stores, clock: SystemClock): Promise<RedisConnection> {
  // The bench asks for more at once than a user would wait for.
  const redis = new RedisConnection({ url: redisUrl, secret: authSecret, clock, commandDeadlineMs: 5_000 })
  await redis.start()
  if (!redis.health.isUp()) throw new Error('Redis did not start')
  return redis
}

type Parts = {
  readonly database: Database
  readonly sessions: SessionPort
  readonly cache: CachePort
  readonly clock: SystemClock
  readonly authSecret: string
}

function parleyOver({ database, sessions, cache, clock, authSecret }: Parts): Parley {
  const limits = new MemoryRateLimit(clock)
  return createParley({
    ...createPostgresStore(database),
    sessions,
    presence: new PostgresPresence(database),
    cache,
    limits,
    localLimits: limits,
    bus: new MemoryBusHub(clock).endpoint(),
    mediator: new AlwaysDeliver(),
    notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
    passwords: new MemoryPasswords(),
    tokens: new JwtTokens({ secret: authSecret, clock }),
    clock,
    ids: new UuidIds(),
  })
}
