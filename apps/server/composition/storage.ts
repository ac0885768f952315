import { ContainerModule } from 'inversify'
import { createPostgresStore, type DatabaseOptions, openDatabase } from '../../../adapters/postgres/index.js'
import { DATABASE, PORT, STORE } from './tokens.js'

/** Rooms, messages and accounts are in Postgres in every mode; whether it is the embedded one only its URL tells. */
export const postgresStorage = (options: DatabaseOptions, onListenerError: (error: unknown) => void) =>
  new ContainerModule(({ bind }) => {
    bind(DATABASE)
      .toDynamicValue(() => openDatabase(options))
      .inSingletonScope()
    bind(STORE)
      .toDynamicValue((context) => createPostgresStore(context.get(DATABASE), { onListenerError }))
      .inSingletonScope()
    bind(PORT.accounts).toDynamicValue((context) => context.get(STORE).accounts)
    bind(PORT.logins).toDynamicValue((context) => context.get(STORE).logins)
    bind(PORT.log).toDynamicValue((context) => context.get(STORE).log)
    bind(PORT.rooms).toDynamicValue((context) => context.get(STORE).rooms)
    bind(PORT.invitations).toDynamicValue((context) => context.get(STORE).invitations)
    bind(PORT.messages).toDynamicValue((context) => context.get(STORE).messages)
    bind(PORT.sweep).toDynamicValue((context) => context.get(STORE).sweep)
    bind(PORT.storedSettings).toDynamicValue((context) => context.get(STORE).storedSettings)
  })
