import { CommitListeners } from './commit-listeners.js'
import type { Database } from './database.js'
import { PostgresAccounts } from './postgres-accounts.js'
import { PostgresInvitationRepo } from './postgres-invitation-repo.js'
import { PostgresLogins } from './postgres-logins.js'
import { PostgresMessageRepo } from './postgres-message-repo.js'
import { PostgresRoomLog, type RoomLogOptions } from './postgres-room-log.js'
import { PostgresRoomRepo } from './postgres-room-repo.js'
import { PostgresSweep } from './postgres-sweep.js'

export type PostgresStore = ReturnType<typeof createPostgresStore>

/** All repositories on one database. They tell the same listeners of their commits, so there is one of these a process. */
export function createPostgresStore(database: Database, options: RoomLogOptions = {}) {
  const listeners = new CommitListeners()
  return {
    log: new PostgresRoomLog(database, listeners, options),
    rooms: new PostgresRoomRepo(database, listeners),
    invitations: new PostgresInvitationRepo(database),
    messages: new PostgresMessageRepo(database),
    accounts: new PostgresAccounts(database, listeners),
    logins: new PostgresLogins(database),
    sweep: new PostgresSweep(database),
  }
}
