export { prepareDataDirectory } from './data-directory.js'
export type { EmbeddedPostgres, EmbeddedPostgresOptions, OwnershipLoss } from './embedded-postgres.js'
export { DataDirectoryInUse, EmbeddedPostgresFailed, IncompatibleDataDirectory } from './errors.js'
export { startEmbeddedPostgres } from './start.js'
