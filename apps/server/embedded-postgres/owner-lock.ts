import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { DataDirectoryInUse, EmbeddedPostgresFailed } from './errors.js'
import { SUPERUSER } from './init-cluster.js'
import { isAlive } from './process-state.js'

/** Advisory locks are kept per database: the lock counts in the database `postgres` alone. */
const LOCK_DATABASE = 'postgres'
const LOCK_CLASS = 0x7061726c
const LOCK_OBJECT = 1
const NAME = 'parley-owner'

const RETRY_MS = 25
const CONNECT_TIMEOUT_S = 5
/** A holder that is only just ending gets this long; it is then refused for. */
const LIVE_HOLDER_PATIENCE_MS = 1_000
/** Its backend notices the broken connection of a killed holder at once, unless the machine is very busy. */
const DEAD_HOLDER_PATIENCE_MS = 10_000

export interface LockTarget {
  readonly port: number
  readonly superuserPassword: string
  readonly dataDir: string
  readonly clusterDir: string
  /** Tells this owner's earlier connection from another server's. */
  readonly token: string
}

/** The ownership of a data directory: an advisory lock, held as long as its one connection lives. */
export class OwnerLock {
  private constructor(
    /** The connection that holds the lock, as superuser. After `closed` it must not be used. */
    private readonly sql: postgres.Sql,
    /** Resolves once the connection, and with it the lock, is gone. */
    readonly closed: Promise<void>,
  ) {}

  /**
   * Takes the lock, and then does `first` as superuser on the connection that holds it. Throws
   * DataDirectoryInUse while another server holds it, and whatever connecting throws.
   */
  static async take(target: LockTarget, first: (sql: postgres.Sql) => Promise<void>): Promise<OwnerLock> {
    let close: () => void = () => undefined
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const sql = postgres(adminUrl(target.port, target.superuserPassword), {
      max: 1,
      max_lifetime: null,
      connect_timeout: CONNECT_TIMEOUT_S,
      fetch_types: false,
      prepare: false,
      onnotice: () => undefined,
      onclose: () => close(),
      connection: { application_name: `${NAME} ${process.pid} ${target.token}` },
    })
    const lock = new OwnerLock(sql, closed)
    try {
      await lock.acquire(target)
      await first(sql)
      return lock
    } catch (error) {
      await lock.end()
      throw error
    }
  }

  async end(): Promise<void> {
    await this.sql.end({ timeout: 1 })
  }

  private async acquire({ dataDir, clusterDir, token }: LockTarget): Promise<void> {
    const startedMs = Date.now()
    for (;;) {
      const [row] = await this.sql<{ taken: boolean; directory: string }[]>`
        select current_setting('data_directory') as directory,
               pg_try_advisory_lock(${LOCK_CLASS}::int, ${LOCK_OBJECT}::int) as taken`
      if (row?.directory !== clusterDir) {
        throw new EmbeddedPostgresFailed(`Another Postgres answers in the place of ${clusterDir}.`)
      }
      if (row.taken) return
      const holder = await this.holder()
      const live = holder !== null && holder.token !== token && (await isAlive(holder.pid))
      const patienceMs = live ? LIVE_HOLDER_PATIENCE_MS : DEAD_HOLDER_PATIENCE_MS
      if (Date.now() - startedMs > patienceMs) throw new DataDirectoryInUse(dataDir, holder?.pid ?? null)
      await sleep(RETRY_MS)
    }
  }

  private async holder(): Promise<{ pid: number; token: string } | null> {
    const [row] = await this.sql<{ name: string }[]>`
      select a.application_name as name
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2
        and l.classid::int8 = ${LOCK_CLASS} and l.objid::int8 = ${LOCK_OBJECT}`
    const [, pid, token] = row?.name.split(' ') ?? []
    return pid === undefined || token === undefined ? null : { pid: Number(pid), token }
  }
}

export function adminUrl(port: number, password: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${LOCK_DATABASE}`
}
