import { Container, ContainerModule, type ResolutionContext } from 'inversify'
import type { CacheStats } from '../../../adapters/memory/index.js'
import {
  type Database,
  type DatabaseOptions,
  isMigrated,
  SearchIndexer,
} from '../../../adapters/postgres/index.js'
import { createParley, type Parley, type ParleyPorts } from '../../../core/parley.js'
import { memoryRuntime, postgresRuntime, type RuntimeOptions } from './runtime.js'
import { postgresStorage } from './storage.js'
import { type SystemOptions, system } from './system.js'
import { BUS, CACHE, DATABASE, PARLEY, PORT, STORE } from './tokens.js'

export type CompositionOptions = SystemOptions &
  RuntimeOptions & {
    readonly database: DatabaseOptions
    /** Whether other processes work on the same database; then they share bus, sessions, presence and limits. */
    readonly shared: boolean
    readonly sessionMaxMs: number
  }

export type Composition = {
  readonly parley: Parley
  readonly ports: ParleyPorts
  readonly database: Database
  /** Whether the schema is that of this version, or a later one. */
  isMigrated(): Promise<boolean>
  /** Counts of the one cache so far, that of live sessions. */
  readonly sessionCache: () => CacheStats
  /** Gives back what this process holds for others to see, and closes every connection. */
  close(): Promise<void>
}

/** Chooses the adapters. No other file of the server names one, and nothing but this folder knows the container. */
export function compose(options: CompositionOptions): Composition {
  const container = new Container()
  container.load(
    system(options),
    postgresStorage(options.database, options.onError),
    options.shared ? postgresRuntime(options) : memoryRuntime(options),
    new ContainerModule(({ bind }) => {
      bind(PARLEY)
        .toDynamicValue((context) => createParley(portsOf(context), { sessionMaxMs: options.sessionMaxMs }))
        .inSingletonScope()
    }),
  )
  const ports = portsOf(container)
  const database = container.get(DATABASE)
  const searchIndexer = new SearchIndexer(database, container.get(STORE).log, { onError: options.onError })
  searchIndexer.start()
  return {
    parley: container.get(PARLEY),
    ports,
    database,
    isMigrated: () => isMigrated(database),
    sessionCache: () => container.get(CACHE).stats(),
    async close() {
      // A lease that cannot be given back lapses by itself.
      await ports.presence.leave().catch(options.onError)
      await container.get(BUS).close()
      await searchIndexer.close()
      await database.close()
    },
  }
}

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
