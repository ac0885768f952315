import { readdir, readFile } from 'node:fs/promises'
import type postgres from 'postgres'
import { eventually } from '../../support/postgres-cluster.js'
import type { Heal } from './process-actions.js'

/** A Postgres of the run's own, whose supervisor starts it again on the same port when it ends. */
export interface PostgresTarget {
  /** As the servers connect to it. */
  readonly url: string
  /** The superuser, in the same database. */
  readonly adminUrl: string
  /** Statements as superuser. */
  readonly sql: postgres.Sql<{ bigint: number }>
  /** Of the postmaster that runs now. */
  pid(): Promise<number>
}

const BACK_WITHIN_MS = 60_000

const answers = (sql: PostgresTarget['sql']): Promise<boolean> =>
  sql`select 1`.then(
    () => true,
    () => false,
  )

/** A fast shutdown: every transaction is rolled back and every connection ended. Resolves when it has gone. */
export async function restartPostgres(target: PostgresTarget): Promise<Heal> {
  const pid = await target.pid()
  process.kill(pid, 'SIGINT')
  await eventually('Postgres ends', () => isGone(pid), BACK_WITHIN_MS)
  return () => untilBack(target)
}

/** Resolves when it takes connections and answers. */
export const untilBack = ({ sql }: PostgresTarget): Promise<void> =>
  eventually('Postgres is back', () => answers(sql), BACK_WITHIN_MS)

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

/** SIGSTOP for the postmaster and all its processes: connections stay open, nothing answers. */
export async function suspendPostgres(target: PostgresTarget): Promise<Heal> {
  const postmaster = await target.pid()
  const stopped: number[] = []
  const stop = (pid: number) => {
    if (stopped.includes(pid)) return
    process.kill(pid, 'SIGSTOP')
    stopped.push(pid)
  }
  stop(postmaster)
  // From now on there are no new ones.
  for (const child of await childrenOf(postmaster)) stop(child)
  return async () => {
    for (const pid of stopped.splice(0).reverse()) if (!isGone(pid)) process.kill(pid, 'SIGCONT')
  }
}

export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Boolean)
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    }),
  )
  return pids.filter((_, index) => parents[index] === parent)
}
