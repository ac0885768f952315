import { ContainerModule } from 'inversify'
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import { MemoryRateLimit } from '../../../adapters/memory/index.js'
import { ArgonPasswords, JwtTokens, SystemClock, UuidIds } from '../../../adapters/system/index.js'
import type { NoticePort } from '../../../core/ports/notice-port.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { PORT } from './tokens.js'

export type SystemOptions = {
  readonly authSecret: string
  readonly notices: NoticePort
  readonly limitFactor: number
}

/** What every mode shares. */
export const system = ({ authSecret, notices, limitFactor }: SystemOptions) =>
  new ContainerModule(({ bind }) => {
    bind(PORT.clock).toConstantValue(new SystemClock())
    bind(PORT.ids).toConstantValue(new UuidIds())
    bind(PORT.passwords).toConstantValue(new ArgonPasswords())
    bind(PORT.tokens)
      .toDynamicValue((context) => new JwtTokens({ secret: authSecret, clock: context.get(PORT.clock) }))
      .inSingletonScope()
    bind(PORT.localLimits)
      .toDynamicValue(
        (context) => new ScaledRateLimit(new MemoryRateLimit(context.get(PORT.clock)), limitFactor),
      )
      .inSingletonScope()
    bind(PORT.mediator).toConstantValue(new AlwaysDeliver())
    bind(PORT.notices).toConstantValue(notices)
  })
