import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.js'
import { readPostmasterFile } from '../../server/embedded-postgres/postmaster-file.js'

export type StatementTotal = {
  readonly calls: number
  readonly totalMs: number
  readonly meanMs: number
  readonly rows: number
  readonly query: string
}

const SHOWN = 12

/** Makes the embedded database of a directory count statements from its next start on; no server may run on it. */
export async function countStatements(dataDir: string): Promise<void> {
  const database = await startEmbeddedPostgres({ dataDir })
  const sql = postgres(database.adminUrl, { max: 1 })
  try {
    await sql`alter system set shared_preload_libraries = 'pg_stat_statements'`
  } finally {
    await sql.end({ timeout: 5 })
    await database.stop()
  }
}

/** Counts the statements that the embedded database of a directory runs while `work` does, after `countStatements`. */
export async function statementsWhile<T>(
  dataDir: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly statements: readonly StatementTotal[] }> {
  const { superuserPassword } = JSON.parse(await readFile(join(dataDir, 'postgres-secrets.json'), 'utf8'))
  const postmaster = await readPostmasterFile(join(dataDir, 'postgres'))
  const sql = postgres({
    host: '127.0.0.1',
    port: postmaster?.port ?? 0,
    database: 'postgres',
    username: 'postgres',
    password: String(superuserPassword),
    max: 1,
    onnotice: () => undefined,
  })
  try {
    await sql`create extension if not exists pg_stat_statements`
    await sql`select pg_stat_statements_reset()`
    const value = await work()
    const statements = await sql<StatementTotal[]>`
      select calls::int, total_exec_time as "totalMs", mean_exec_time as "meanMs", rows::int, query
      from pg_stat_statements order by total_exec_time desc limit ${SHOWN}`
    return { value, statements: [...statements] }
  } finally {
    await sql.end({ timeout: 5 })
  }
}
