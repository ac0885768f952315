import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { testDatabase } from './postgres.js'
import { type RunningServer, startServer } from './server-process.js'

/** Several servers on one database. */
export interface Instances {
  readonly servers: RunningServer[]
  readonly urls: readonly string[]
  /** The environment that they share, for one more of them. */
  readonly variables: Readonly<Record<string, string>>
  /** Looks at the same database past the servers. */
  readonly sql: postgres.Sql<{ bigint: number }>
  stop(): Promise<void>
}

export async function startInstances(count: number, more: Record<string, string> = {}): Promise<Instances> {
  const database = await testDatabase()
  const variables = {
    DATABASE_URL: database.url,
    PARLEY_AUTH_SECRET: randomBytes(48).toString('base64url'),
    PARLEY_LIMIT_FACTOR: '1000',
    ...more,
  }
  const bigint = { to: 20, from: [20], parse: Number, serialize: String }
  const sql = postgres(database.url, { max: 2, types: { bigint }, onnotice: () => undefined })
  const servers = await Promise.all(Array.from({ length: count }, () => startServer(variables)))
  return {
    servers,
    urls: servers.map(({ url }) => url),
    variables,
    sql,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
      await sql.end({ timeout: 5 })
      await database.drop()
    },
  }
}
