export type { Sql, Transaction } from './connection.js'
export {
  Database,
  type DatabaseHealth,
  type DatabaseOptions,
  openDatabase,
  type TransactionOptions,
} from './database.js'
export { DatabaseFailure, StatementRefused } from './errors.js'
export { isMigrated, type MigrateOptions, migrate } from './migrate.js'
export { PostgresAccounts } from './postgres-accounts.js'
export { PostgresBus, type PostgresBusOptions } from './postgres-bus.js'
export { PostgresInvitationRepo } from './postgres-invitation-repo.js'
export { type FencedLock, PostgresLock } from './postgres-lock.js'
export { PostgresLogins } from './postgres-logins.js'
export { PostgresMessageRepo } from './postgres-message-repo.js'
export { PostgresPresence } from './postgres-presence.js'
export { PostgresRateLimit } from './postgres-rate-limit.js'
export { PostgresRoomLog, type RoomLogOptions } from './postgres-room-log.js'
export { PostgresRoomRepo } from './postgres-room-repo.js'
export { PostgresSessions } from './postgres-sessions.js'
export { PostgresSettingsRepo } from './postgres-settings-repo.js'
export { createPostgresStore, type PostgresStore } from './postgres-store.js'
export { PostgresSweep } from './postgres-sweep.js'
export { ProcessCount, type ProcessCountOptions } from './process-count.js'
export { ProcessLease } from './process-lease.js'
export { SearchIndexer, type SearchIndexerOptions } from './search-indexer.js'
