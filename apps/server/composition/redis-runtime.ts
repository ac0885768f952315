import { ContainerModule } from 'inversify'
import {
  FailoverBus,
  FailoverCache,
  FailoverLock,
  FailoverPresence,
  FailoverRateLimit,
  FailoverSessions,
  type PrimaryHealth,
} from '../../../adapters/failover/index.js'
import { MemoryCache, MemoryRateLimit } from '../../../adapters/memory/index.js'
import {
  PostgresBus,
  PostgresLock,
  PostgresPresence,
  PostgresRateLimit,
  PostgresSessions,
  ProcessCount,
} from '../../../adapters/postgres/index.js'
import {
  RedisBus,
  RedisCache,
  RedisLock,
  RedisPresence,
  RedisRateLimit,
  RedisSessions,
} from '../../../adapters/redis/index.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { BriefCache, NamedCaches, SESSIONS, type TierCounts, type TieredCache } from './caches.js'
import { RedisSide, type RedisSideOptions } from './redis-side.js'
import { memoryCounts, type RuntimeOptions } from './runtime.js'
import {
  BUS,
  CACHE,
  COUNTED,
  DATABASE,
  LIMITS,
  LOCK,
  PARLEY,
  PORT,
  PROCESSES,
  REDIS,
  REDIS_SESSIONS,
} from './tokens.js'

/** What tells guesses: a share of such a limit would let each process be asked anew. */
const GUARDED = /^(sign-in|sign-up|reset|password):/

/**
 * Of its lifetime in Redis, a session is remembered in memory for this part. So one in use is looked up there in the second half of that, and
 * lives on, though it was not prolonged the last time and memory keeps it a tenth longer.
 */
const SESSION_SHARE = 1 / 4

export type RedisRuntimeOptions = RuntimeOptions & {
  readonly redis: RedisSideOptions
  /** Known to all instances. Whoever may write to Redis and does not know it gains nothing by it. */
  readonly authSecret: string
}

/** What processes share by Redis, with Postgres or their own memory behind it. */
export const redisRuntime = ({ redis, authSecret, limitFactor, cacheBounds, onError }: RedisRuntimeOptions) =>
  new ContainerModule(({ bind }) => {
    bind(REDIS)
      .toDynamicValue(
        (context) => new RedisSide(redis, { clock: context.get(PORT.clock), secret: authSecret }),
      )
      .inSingletonScope()
    bind(PROCESSES)
      .toDynamicValue((context) => new ProcessCount(context.get(DATABASE)))
      .inSingletonScope()
    bind(BUS)
      .toDynamicValue((context) => {
        const { connection } = context.get(REDIS)
        const [primary, fallback] = [
          new RedisBus(connection, { onError }),
          new PostgresBus(context.get(DATABASE), { onError }),
        ]
        return context.get(REDIS).watch(new OwnBus(primary, fallback, connection.health))
      })
      .inSingletonScope()
    bind(REDIS_SESSIONS)
      .toDynamicValue((context) => {
        // Resolved late: the feed of ended logins is part of what needs this port.
        const hasEnded = (loginId: string) => context.get(PARLEY).loginFeed.hasEnded(loginId)
        const ttlMs = () => context.get(PARLEY).lifetimes.sessionMs
        return new RedisSessions(context.get(REDIS).connection, hasEnded, { ttlMs })
      })
      .inSingletonScope()
    bind(PORT.sessions)
      .toDynamicValue((context) => {
        const { health } = context.get(REDIS).connection
        const truth = new PostgresSessions(context.get(DATABASE))
        return context
          .get(REDIS)
          .watch(new FailoverSessions(context.get(REDIS_SESSIONS), truth, health, context.get(PORT.clock)))
      })
      .inSingletonScope()
    bind(PORT.presence)
      .toDynamicValue((context) => {
        const { connection } = context.get(REDIS)
        const stores = {
          primary: new RedisPresence(connection),
          fallback: new PostgresPresence(context.get(DATABASE)),
        }
        return context.get(REDIS).watch(new FailoverPresence(stores, connection.health))
      })
      .inSingletonScope()
    bind(LOCK)
      .toDynamicValue((context) => {
        const { connection } = context.get(REDIS)
        const counted = context.get(COUNTED)
        const primary = counted.lock('redis', new RedisLock(connection))
        const fallback = counted.lock('postgres', new PostgresLock(context.get(DATABASE)))
        return context.get(REDIS).watch(new FailoverLock(primary, fallback, connection.health))
      })
      .inSingletonScope()
    bind(LIMITS)
      .toDynamicValue((context) => {
        const { connection } = context.get(REDIS)
        const [processes, counted] = [context.get(PROCESSES), context.get(COUNTED)]
        const fallbacks = {
          local: counted.limit('memory', new MemoryRateLimit(context.get(PORT.clock))),
          processes: () => processes.value,
          shared: counted.limit('postgres', new PostgresRateLimit(context.get(DATABASE))),
          isGuarded: (key: string) => GUARDED.test(key),
        }
        const primary = counted.limit('redis', new RedisRateLimit(connection))
        const limits = new FailoverRateLimit(primary, fallbacks, connection.health)
        return new ScaledRateLimit(context.get(REDIS).watch(limits), limitFactor)
      })
      .inSingletonScope()
    bind(CACHE)
      .toDynamicValue((context) => {
        const side = context.get(REDIS)
        const open = (cache: string): TieredCache => {
          const memory = new MemoryCache(context.get(PORT.clock), cacheBounds)
          if (cache === SESSIONS) return inFrontOf(context.get(REDIS_SESSIONS), memory)
          const shared = new RedisCache(side.connection)
          const tiers = { memory: () => memoryCounts(memory), redis: () => countsOf(shared.stats()) }
          return { cache: side.watch(new FailoverCache(shared, memory, side.connection.health)), tiers }
        }
        return new NamedCaches(open)
      })
      .inSingletonScope()
  })

/** Redis holds sessions as `SessionPort`, so what is before that is memory alone. */
const inFrontOf = (sessions: RedisSessions, memory: MemoryCache): TieredCache => ({
  cache: new BriefCache(memory, SESSION_SHARE),
  tiers: {
    memory: () => memoryCounts(memory),
    redis: () => countsOf({ fillsRefused: null, ...sessions.stats() }),
  },
})

/** What room an entry takes, and what Redis throws away, is not counted by cache there. */
function countsOf({
  hits,
  misses,
  staleRefused,
  fills,
  fillsRefused,
  garbage,
}: Omit<TierCounts, 'evictions' | 'entries' | 'bytes'>): TierCounts {
  return {
    ...{ hits, misses, staleRefused, fills, fillsRefused, garbage },
    ...{ evictions: null, entries: null, bytes: null },
  }
}

/** The bus with all that it is made of, which this process opened and closes. */
class OwnBus extends FailoverBus {
  constructor(
    private readonly first: RedisBus,
    private readonly second: PostgresBus,
    health: PrimaryHealth,
  ) {
    super(first, second, health)
  }

  override async close(): Promise<void> {
    super.close()
    await Promise.all([this.first.close(), this.second.close()])
  }
}
