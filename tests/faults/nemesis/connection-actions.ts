import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { eventually } from '../../support/postgres-cluster.js'
import type { PostgresTarget } from './postgres-actions.js'
import type { Heal } from './process-actions.js'
import type { TcpProxy, Verdict } from './tcp-proxy.js'

const GRAB_EVERY_MS = 5
/** In a row, before it counts as so. */
const LOOKS = 10
/** What the servers call their connections begins so; ours are called otherwise. */
const SERVERS = 'parley%'
const HOLDER = 'fault-holder'

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
 * Ends the connections of all servers and holds every one that their role may have; what becomes free later is grabbed as well.
 * The superuser's own are left. Resolves when no server has one; `onHeld` is told how many we have.
 */
export async function holdConnections(
  target: PostgresTarget,
  onHeld: (count: number) => void = () => undefined,
): Promise<Heal> {
  const held: postgres.Sql[] = []
  let isOver = false
  const grab = async (): Promise<boolean> => {
    const connection = { application_name: HOLDER }
    const sql = postgres(target.url, { max: 1, connection, onnotice: () => undefined })
    const isIn = await sql`select 1`.then(
      () => true,
      () => false,
    )
    if (isIn) onHeld(held.push(sql))
    else await sql.end({ timeout: 0 })
    return isIn && !isOver
  }
  const holding = (async () => {
    while (!isOver) {
      await endConnections(target)
      while (await grab());
      await sleep(GRAB_EVERY_MS)
    }
  })()
  const heal = async () => {
    isOver = true
    await holding
    await Promise.all(held.splice(0).map((sql) => sql.end({ timeout: 1 })))
  }
  // One that was under way may still come in where one of ours could not yet.
  let freeOfThem = 0
  try {
    await eventually('no server has a connection any more', async () => {
      freeOfThem = (await serverConnections(target)) === 0 ? freeOfThem + 1 : 0
      return freeOfThem === LOOKS
    })
  } catch (error) {
    await heal()
    throw error
  }
  return heal
}

/** `ReadyForQuery` outside any transaction: what was asked is committed by now, or rolled back. */
const SETTLED = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

export type AtCommit = {
  /** What of interest a chunk to Postgres asks to store; null: nothing. */
  readonly storedBy: (chunk: Buffer) => string | null
  /** Asked when that has been committed, before whoever wanted it is told. */
  readonly verdict: (stored: string) => Verdict
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
      return verdict(settled)
    }
  })
  return async () => proxy.tapWith(null)
}
