import postgres from 'postgres'
import { eventually } from '../../support/postgres-cluster.js'
import type { PostgresTarget } from './postgres-actions.js'
import type { Heal } from './process-actions.js'
import type { TcpProxy, Verdict } from './tcp-proxy.js'

/** What the servers call their connections begins so; ours are called otherwise. */
const SERVERS = 'parley%'
const HOLDER = 'fault-holder'
/** https://www.postgresql.org/docs/17/errcodes-appendix.html */
const TOO_MANY_CONNECTIONS = '53300'

/** Ends the connections of all servers once, in the middle of whatever they do. Answers how many. */
export async function endConnections({ sql }: PostgresTarget): Promise<number> {
  const ended = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like ${SERVERS} and backend_type = 'client backend'`
  return ended.length
}

const serverConnections = async ({ sql }: PostgresTarget): Promise<number> => {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity
    where application_name like ${SERVERS} and backend_type = 'client backend'`
  return row?.count ?? 0
}

/**
 * Ends the connections of all servers and holds every one that their role may have, so that they get none; those that are kept
 * for superusers are left. Answers how many it holds.
 */
export async function holdConnections(target: PostgresTarget): Promise<{ held: number; heal: Heal }> {
  const held: postgres.Sql[] = []
  const heal = async () => {
    await Promise.all(held.splice(0).map((connection) => connection.end({ timeout: 1 })))
  }
  const role = new URL(target.url).username
  // Else they would take what becomes free before we do.
  await limitRole(target, role, 0)
  try {
    await eventually('no server has a connection any more', async () => {
      await endConnections(target)
      return (await serverConnections(target)) === 0
    })
    for (let left = await freeConnections(target); left > 0; left = await freeConnections(target))
      for (const outcome of await Promise.allSettled(Array.from({ length: left }, () => holdOne(target))))
        if (outcome.status === 'fulfilled') held.push(outcome.value)
        // Others connect as well, for as long as there is room.
        else if (outcome.reason?.code !== TOO_MANY_CONNECTIONS) throw outcome.reason
  } catch (error) {
    await heal()
    throw error
  } finally {
    await limitRole(target, role, -1)
  }
  return { held: held.length, heal }
}

/** One after the other: of two that change a role at the same time, the later one fails. */
const limitRole = ({ sql }: PostgresTarget, role: string, limit: number) =>
  sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('parley limits a role'))`
    await tx.unsafe(`alter role "${role}" connection limit ${limit}`)
  })

async function holdOne({ adminUrl }: PostgresTarget): Promise<postgres.Sql> {
  const connection = postgres(adminUrl, {
    max: 1,
    connection: { application_name: HOLDER },
    onnotice: () => undefined,
  })
  await connection`select 1`
  return connection
}

/** That whoever is no superuser may have. */
async function freeConnections({ sql }: PostgresTarget): Promise<number> {
  const [row] = await sql<{ free: number }[]>`
    select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - current_setting('reserved_connections')::int - count(*)::int as free
    from pg_stat_activity where backend_type = 'client backend'`
  return row?.free ?? 0
}

/** `ReadyForQuery` outside any transaction: what was asked is committed by now, or rolled back. */
const SETTLED = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export type AtCommit = {
  /** What of interest a chunk to Postgres asks to store; null: nothing. */
  readonly storedBy: (chunk: Buffer) => string | null
  /**
   * Asked when that has been committed, or turned out not to be what the statement stores, before whoever wanted it is told.
   * `answer` is the last chunk of what Postgres says to it.
   */
  readonly verdict: (stored: string, answer: Buffer) => Verdict
}

/** Acts exactly between a commit and its answer: Postgres has committed, and whoever asked does not know it yet. */
export function tapCommits(proxy: TcpProxy, { storedBy, verdict }: AtCommit): Heal {
  proxy.tapWith(() => {
    let stored: string | null = null
    return (chunk, way) => {
      if (way === 'to-target') {
        stored ??= storedBy(chunk)
        return 'pass'
      }
      if (stored === null || !chunk.includes(SETTLED)) return 'pass'
      const settled = stored
      stored = null
      return verdict(settled, chunk)
    }
  })
  return async () => proxy.tapWith(null)
}
