import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type Postgrator from 'postgrator'
import { openConnections, type Sql, type Transaction } from './connection.js'
import type { Database } from './database.js'
import { translate } from './errors.js'
import { transact } from './transact.js'

export type MigrateOptions = {
  readonly applicationName?: string
  /** How long to wait for another process that is migrating. */
  readonly lockTimeoutMs?: number
  /** Where the `NNN.do.name.sql` files are. */
  readonly directory?: string
}

const MIGRATION_LOCK = 7_310_000
const SCHEMA_TABLE = 'parley_schema_version'

const defaultDirectory = (): string => fileURLToPath(new URL('./migrations', import.meta.url))

/** Loaded when a schema is looked at: who only uses the repositories need not install it. */
async function postgratorOn(tx: Transaction | Sql, directory: string): Promise<Postgrator> {
  const { default: Runner } = await import('postgrator')
  return new Runner({
    driver: 'pg',
    // postgrator takes a glob; a directory name may hold characters that mean something in one.
    migrationPattern: `${directory.replaceAll('\\', '/').replace(/[?*()[\]{}!+@]/g, '\\$&')}/*.sql`,
    schemaTable: SCHEMA_TABLE,
    newline: 'LF',
    execQuery: async (query: string) => ({ rows: await tx.unsafe(query) }),
    execSqlScript: async (script: string) => {
      await tx.unsafe(script)
    },
  })
}

/**
 * Brings the schema to the newest version, one transaction a file, and refuses where a file that was applied has changed.
 * Safe in any number of processes at once. `url` must reach Postgres directly, not through a pooler. A schema newer
 * than the files is left as it is.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<void> {
  const directory = options.directory ?? defaultDirectory()
  const sql = openConnections(url, {
    max: 1,
    applicationName: options.applicationName ?? 'parley-migrate',
    parameters: { lock_timeout: options.lockTimeoutMs ?? 60_000 },
  })
  try {
    if (await isApplied(sql, directory)) return
    const files = await (await postgratorOn(sql, directory)).getMigrations()
    const versions = files.filter((file) => file.action === 'do').map((file) => file.version)
    // An incomplete installation must not pass for a finished migration.
    if (versions.length === 0) throw new Error(`there are no migrations in ${directory}`)
    for (const version of versions.toSorted((a, b) => a - b)) await step(sql, directory, version)
  } catch (error) {
    throw translate('Migrations', error)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/**
 * Whether every file has been applied as it is now. So it is at nearly every start; one query tells, and the rest need not even
 * be loaded. Nothing is locked: what has been applied stays so.
 */
async function isApplied(sql: Sql, directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => [])
  const files = names.filter((name) => /^\d+\.do\..*\.sql$/.test(name))
  const [found] = await sql<{ exists: boolean }[]>`select to_regclass(${SCHEMA_TABLE}) is not null as exists`
  if (files.length === 0 || found?.exists !== true) return false
  const rows = await sql<
    { version: number; md5: string | null }[]
  >`select version, md5 from ${sql(SCHEMA_TABLE)}`
  const applied = new Map(rows.map(({ version, md5 }) => [version, md5]))
  const checksums = await Promise.all(files.map((name) => checksumOf(join(directory, name))))
  return files.every((name, index) => applied.get(Number.parseInt(name, 10)) === checksums[index])
}

/** As postgrator takes it, whatever the line ends of a checkout are. */
async function checksumOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8')
  return createHash('md5')
    .update(text.replaceAll(/\r\n|\r/g, '\n'), 'utf8')
    .digest('hex')
}

/** The lock is the transaction's own, so that it can neither outlive the migration nor be lost before its end. */
async function step(sql: Sql, directory: string, version: number): Promise<void> {
  await transact(sql, '', async (tx) => {
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`
    const postgrator = await postgratorOn(tx, directory)
    if ((await postgrator.getDatabaseVersion()) > version) return
    await postgrator.migrate(String(version))
  })
}

/** Whether every migration of this version of the code has been applied. */
export function isMigrated(database: Database, directory = defaultDirectory()): Promise<boolean> {
  return database.call('Migrations', async (sql) => {
    const postgrator = await postgratorOn(sql, directory)
    return (await postgrator.getDatabaseVersion()) >= (await postgrator.getMaxVersion())
  })
}
