import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'
import { migrate } from '../../adapters/postgres/migrate.js'

/** A database of its own, empty, on the Postgres that the run shares. */
export interface TestDatabase {
  /** As the role `parley`, owner of the database and no superuser. */
  readonly url: string
  /** For `DATABASE_DIRECT_URL`: the same, as there is no pooler in tests. */
  readonly sqlUrlDirect: string
  /** The same database as superuser, e.g. to end the connections of others. */
  readonly adminUrl: string
  /** Ends all connections to it and removes it. */
  drop(): Promise<void>
}

export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asAdmin((sql) => sql.unsafe(`create database ${name} owner parley`))
  const url = `${inject('postgresAppUrl')}/${name}`
  const adminUrl = new URL(inject('postgresAdminUrl'))
  adminUrl.pathname = `/${name}`
  return {
    url,
    sqlUrlDirect: url,
    adminUrl: adminUrl.href,
    drop: () => asAdmin((sql) => sql.unsafe(`drop database if exists ${name} with (force)`)),
  }
}

/** The same with the schema of the product in it. */
export async function migratedDatabase(): Promise<TestDatabase> {
  const database = await testDatabase()
  await migrate(database.sqlUrlDirect)
  return database
}

async function asAdmin(work: (sql: postgres.Sql) => PromiseLike<unknown>): Promise<void> {
  const sql = postgres(inject('postgresAdminUrl'), { max: 1, onnotice: () => undefined })
  try {
    await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
