import { ContainerModule } from 'inversify'
import { MemoryBusHub, MemoryPresence, MemorySessions } from '../../../adapters/memory/index.js'
import {
  PostgresBus,
  PostgresPresence,
  PostgresRateLimit,
  PostgresSessions,
} from '../../../adapters/postgres/index.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { BUS, DATABASE, PARLEY, PORT } from './tokens.js'

export type RuntimeOptions = {
  readonly limitFactor: number
  /** Told what a handler of the bus threw. */
  readonly onError: (error: unknown) => void
}

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
    bind(PORT.limits).toService(PORT.localLimits)
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
    bind(PORT.limits)
      .toDynamicValue(
        (context) => new ScaledRateLimit(new PostgresRateLimit(context.get(DATABASE)), limitFactor),
      )
      .inSingletonScope()
  })
