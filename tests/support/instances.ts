import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { prepareGround } from './server-ground.js'
import { canRunTwo } from './server-mode.js'
import { type RunningServer, startServer } from './server-process.js'

/** Several servers on one database. */
export interface Instances {
  readonly servers: RunningServer[]
  readonly urls: readonly string[]
  /** The environment that they share, for one more of them. */
  readonly variables: Readonly<Record<string, string>>
  readonly databaseUrl: string
  /** Looks at the same database past the servers; an embedded one is there for as long as the server that it came with. */
  readonly sql: postgres.Sql<{ bigint: number }>
  stop(): Promise<void>
}

/** Servers on what the mode gives them; `more` goes before it. */
export async function startInstances(count: number, more: Record<string, string> = {}): Promise<Instances> {
  if (count > 1 && !canRunTwo) throw new RangeError('an embedded server is one process')
  const ground = await prepareGround()
  const variables = {
    ...ground.variables,
    PARLEY_AUTH_SECRET: randomBytes(48).toString('base64url'),
    PARLEY_LIMIT_FACTOR: '1000',
    ...more,
  }
  const servers = await Promise.all(Array.from({ length: count }, () => startServer(variables)))
  const urls = servers.map(({ url }) => url)
  await ground.taken(urls)
  const databaseUrl = await ground.databaseUrl()
  const bigint = { to: 20, from: [20], parse: Number, serialize: String }
  const sql = postgres(databaseUrl, { max: 2, types: { bigint }, onnotice: () => undefined })
  return {
    servers,
    urls,
    variables,
    databaseUrl,
    sql,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
      await sql.end({ timeout: 5 })
      await ground.clear()
    },
  }
}
