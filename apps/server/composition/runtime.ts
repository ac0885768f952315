import { ContainerModule } from 'inversify'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryLock,
  MemoryPresence,
  MemorySessions,
} from '../../../adapters/memory/index.js'
import {
  PostgresBus,
  PostgresLock,
  PostgresPresence,
  PostgresRateLimit,
  PostgresSessions,
} from '../../../adapters/postgres/index.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { NamedCaches, type TierCounts } from './caches.js'
import { BUS, CACHE, COUNTED, DATABASE, LIMITS, LOCK, PARLEY, PORT } from './tokens.js'

export type RuntimeOptions = {
  /** Of each cache in memory. */
  readonly cacheBounds: { readonly maxEntries: number; readonly maxBytes: number }
  readonly limitFactor: number
  /** Told what a handler of the bus threw. */
  readonly onError: (error: unknown) => void
}

/** Nobody else writes there. */
export const memoryCounts = (cache: MemoryCache): TierCounts => ({
  ...cache.stats(),
  fillsRefused: null,
  garbage: null,
})

/** Caches of this process alone; what they hold is judged by what the process knows, so others need not be told. */
export const localCaches = ({ cacheBounds }: Pick<RuntimeOptions, 'cacheBounds'>) =>
  new ContainerModule(({ bind }) => {
    bind(CACHE)
      .toDynamicValue((context) => {
        const open = () => {
          const cache = new MemoryCache(context.get(PORT.clock), cacheBounds)
          return { cache, tiers: { memory: () => memoryCounts(cache) } }
        }
        return new NamedCaches(open)
      })
      .inSingletonScope()
  })

/** What one process keeps for itself when it is the only one. */
export const memoryRuntime = ({ onError }: Pick<RuntimeOptions, 'onError'>) =>
  new ContainerModule(({ bind }) => {
    bind(BUS)
      .toDynamicValue((context) => new MemoryBusHub(context.get(PORT.clock), { onError }).endpoint())
      .inSingletonScope()
    bind(PORT.sessions)
      .toDynamicValue((context) => {
        // Resolved late: the feed of ended logins is part of what needs this port.
        const hasEnded = (loginId: string) => context.get(PARLEY).loginFeed.hasEnded(loginId)
        return new MemorySessions(hasEnded)
      })
      .inSingletonScope()
    bind(PORT.presence)
      .toDynamicValue((context) => new MemoryPresence(context.get(PORT.clock)))
      .inSingletonScope()
    bind(LOCK)
      .toDynamicValue((context) =>
        context.get(COUNTED).lock('memory', new MemoryLock(context.get(PORT.clock))),
      )
      .inSingletonScope()
    bind(LIMITS)
      .toDynamicValue((context) => context.get(COUNTED).limit('memory', context.get(PORT.localLimits)))
      .inSingletonScope()
  })

/** The same, shared by all processes on one Postgres. */
export const postgresRuntime = ({ limitFactor, onError }: RuntimeOptions) =>
  new ContainerModule(({ bind }) => {
    bind(BUS)
      .toDynamicValue((context) => new PostgresBus(context.get(DATABASE), { onError }))
      .inSingletonScope()
    bind(PORT.sessions)
      .toDynamicValue((context) => new PostgresSessions(context.get(DATABASE)))
      .inSingletonScope()
    bind(PORT.presence)
      .toDynamicValue((context) => new PostgresPresence(context.get(DATABASE)))
      .inSingletonScope()
    bind(LOCK)
      .toDynamicValue((context) =>
        context.get(COUNTED).lock('postgres', new PostgresLock(context.get(DATABASE))),
      )
      .inSingletonScope()
    bind(LIMITS)
      .toDynamicValue((context) => {
        const limits = context.get(COUNTED).limit('postgres', new PostgresRateLimit(context.get(DATABASE)))
        return new ScaledRateLimit(limits, limitFactor)
      })
      .inSingletonScope()
  })
