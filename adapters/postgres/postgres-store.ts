import { CommitListeners } from './commit-listeners.js'
import type { Database } from './database.js'
import { PostgresAccounts } from './postgres-accounts.js'
import { PostgresInvitationRepo } from './postgres-invitation-repo.js'
import { PostgresLogins } from './postgres-logins.js'
import { PostgresMessageRepo } from './postgres-message-repo.js'
import { PostgresRoomLog, type RoomLogOptions } from './postgres-room-log.js'
import { PostgresRoomRepo } from './postgres-room-repo.js'
import { PostgresSettingsRepo } from './postgres-settings-repo.js'
import { PostgresSweep } from './postgres-sweep.js'

export type PostgresStore = ReturnType<typeof createPostgresStore>

export type StoreOptions = RoomLogOptions & {
  /** Told what a commit listener throws; by default a warning of the process. Must not throw. */
  readonly onListenerError?: (error: unknown) => void
}

const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error))

/** All repositories on one database. They tell the same listeners of their commits, so there is one of these a process. */
export function createPostgresStore(database: Database, options: StoreOptions = {}) {
  const listeners = new CommitListeners(options.onListenerError ?? warn)
  return {
    log: new PostgresRoomLog(database, listeners, options),
    rooms: new PostgresRoomRepo(database, listeners),
    invitations: new PostgresInvitationRepo(database),
    messages: new PostgresMessageRepo(database),
    accounts: new PostgresAccounts(database, listeners),
    logins: new PostgresLogins(database),
    sweep: new PostgresSweep(database),
    storedSettings: new PostgresSettingsRepo(database),
  }
}
