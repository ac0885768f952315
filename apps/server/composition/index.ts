import { Container, ContainerModule, type ResolutionContext } from 'inversify'
import type { FailoverState } from '../../../adapters/failover/index.js'
import {
  type Database,
  type DatabaseOptions,
  isMigrated,
  SearchIndexer,
} from '../../../adapters/postgres/index.js'
import { DEFAULT_LIFETIMES } from '../../../core/domain/cache-lifetimes.js'
import { createParley, type Parley, type ParleyPorts, type ParleySettings } from '../../../core/parley.js'
import type { LockPort } from '../../../core/ports/lock-port.js'
import type { CacheReport } from './caches.js'
import { Counted, type Outcomes } from './counted.js'
import type { RedisReport } from './redis-report.js'
import type { RedisSideOptions } from './redis-side.js'
import { localCaches, memoryRuntime, postgresRuntime, type RuntimeOptions } from './runtime.js'
import { postgresStorage } from './storage.js'
import { type SystemOptions, system } from './system.js'
import { BUS, CACHE, COUNTED, DATABASE, LOCK, PARLEY, PORT, PROCESSES, REDIS, STORE } from './tokens.js'

export type { CacheReport, FailoverState, Outcomes, RedisReport }

export type CompositionOptions = SystemOptions &
  RuntimeOptions & {
    readonly database: DatabaseOptions
    /** Whether other processes work on the same database; then they share bus, sessions, presence and limits. */
    readonly shared: boolean
    /** Null: none. Else processes share by Redis what they share, for as long as it is there. */
    readonly redis: RedisSideOptions | null
    readonly sessionMaxMs: number
    /** How long caches keep what they hold, where operators have set nothing else. */
    readonly lifetimes: { readonly sessionMs: number; readonly messagesMs: number }
  }

/** What a process counts of its ports, and how those do that have another adapter behind them. */
export type PortReports = {
  readonly caches: () => readonly CacheReport[]
  readonly limits: () => readonly Outcomes[]
  readonly locks: () => readonly Outcomes[]
  /** None without Redis. */
  readonly failover: () => readonly FailoverState[]
  /** Null without Redis. */
  readonly redis: (() => Promise<RedisReport>) | null
}

export type Composition = {
  readonly parley: Parley
  readonly ports: ParleyPorts
  /** No use case takes one yet. */
  readonly lock: LockPort
  readonly database: Database
  readonly reports: PortReports
  /** Whether the schema is that of this version, or a later one. */
  isMigrated(): Promise<boolean>
  /** Gives back what this process holds for others to see, and closes every connection. */
  close(): Promise<void>
}

/** Chooses the adapters. No other file of the server names one, and nothing but this folder knows the container. */
export async function compose(options: CompositionOptions): Promise<Composition> {
  const container = new Container()
  container.load(
    system(options),
    postgresStorage(options.database, options.onError),
    ...(await runtime(options)),
    new ContainerModule(({ bind }) => {
      bind(COUNTED).toConstantValue(new Counted())
      bind(PARLEY)
        .toDynamicValue((context) => createParley(portsOf(context), settingsOf(options)))
        .inSingletonScope()
    }),
  )
  const redis = container.isBound(REDIS) ? container.get(REDIS) : null
  // Before the adapters are made, which begin with it where it is there, and share out limits where it is not.
  if (redis !== null) await Promise.all([redis.start(), container.get(PROCESSES).start()])
  const ports = portsOf(container)
  const database = container.get(DATABASE)
  const lock = container.get(LOCK)
  const searchIndexer = new SearchIndexer(database, container.get(STORE).log, { onError: options.onError })
  searchIndexer.start()
  return {
    parley: container.get(PARLEY),
    ports,
    lock,
    database,
    reports: {
      caches: () => container.get(CACHE).report(),
      limits: () => container.get(COUNTED).limits,
      locks: () => container.get(COUNTED).locks,
      failover: () => redis?.failover() ?? [],
      redis: redis === null ? null : () => redis.report(),
    },
    isMigrated: () => isMigrated(database),
    async close() {
      // A lease that cannot be given back lapses by itself.
      await ports.presence.leave().catch(options.onError)
      await container.get(BUS).close()
      await searchIndexer.close()
      if (redis !== null) {
        container.get(PROCESSES).close()
        redis.close()
      }
      await database.close()
    },
  }
}

/** What processes share, or keep for themselves. What speaks to Redis is loaded where there is one. */
async function runtime(options: CompositionOptions): Promise<ContainerModule[]> {
  const { redis, shared } = options
  if (redis === null)
    return [localCaches(options), shared ? postgresRuntime(options) : memoryRuntime(options)]
  const { redisRuntime } = await import('./redis-runtime.js')
  return [redisRuntime({ ...options, redis })]
}

const settingsOf = ({ sessionMaxMs, lifetimes }: CompositionOptions): Partial<ParleySettings> => ({
  sessionMaxMs,
  lifetimes: { ...DEFAULT_LIFETIMES, ...lifetimes },
})

function portsOf(context: Pick<ResolutionContext, 'get'> | Container): ParleyPorts {
  return {
    accounts: context.get(PORT.accounts),
    logins: context.get(PORT.logins),
    log: context.get(PORT.log),
    rooms: context.get(PORT.rooms),
    invitations: context.get(PORT.invitations),
    messages: context.get(PORT.messages),
    sweep: context.get(PORT.sweep),
    storedSettings: context.get(PORT.storedSettings),
    sessions: context.get(PORT.sessions),
    presence: context.get(PORT.presence),
    cache: context.get(PORT.cache),
    limits: context.get(PORT.limits),
    localLimits: context.get(PORT.localLimits),
    bus: context.get(PORT.bus),
    mediator: context.get(PORT.mediator),
    notices: context.get(PORT.notices),
    passwords: context.get(PORT.passwords),
    tokens: context.get(PORT.tokens),
    clock: context.get(PORT.clock),
    ids: context.get(PORT.ids),
  }
}
