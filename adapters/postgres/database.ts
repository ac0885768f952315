import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { Admission } from './admission.js'
import type { Sql, Transaction } from './connection.js'
import { isConnectionLoss, isRepeatable, translate } from './errors.js'
import { Pool } from './pool.js'
import { transact } from './transact.js'

export type DatabaseOptions = {
  readonly url: string
  /** Past any pooler: for LISTEN, session locks and migrations. `url` where it is left out. */
  readonly directUrl?: string
  readonly poolSize?: number
  /** A call is given up after this long, waiting for a connection included. */
  readonly queryDeadlineMs?: number
  /** The server ends a statement after this long; below the deadline, so that a connection is free again by then. */
  readonly statementTimeoutMs?: number
  readonly lockTimeoutMs?: number
  /** Calls that may wait for a connection; the next one is refused at once. */
  readonly maxQueued?: number
  readonly applicationName?: string
}

export type TransactionOptions = Priority & {
  readonly isolation?: 'repeatable read'
  readonly readOnly?: true
}

export type Priority = {
  /** Goes before all other calls that wait, and is not refused when the queue is full: for callers with a bound of their own. */
  readonly first?: true
}

export type DatabaseHealth = { readonly ok: boolean; readonly latencyMs: number }

const DEFAULTS = {
  poolSize: 10,
  queryDeadlineMs: 5_000,
  statementTimeoutMs: 4_500,
  lockTimeoutMs: 4_000,
  maxQueued: 1_000,
  applicationName: 'parley',
}
/**
 * How long a transaction may stand still before the server ends it. A process that is stalled in the middle of a write stands still
 * twice at most, before it writes and before it commits; writes elsewhere that wait for its locks outlast both.
 */
export const IDLE_IN_TRANSACTION_MS = 1_500
const ATTEMPTS = 5
const RETRY_AFTER_MS = 1_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * The connections to Postgres, each call under a deadline and behind bounded admission. What comes out of a call is its
 * value, PortUnavailable, StatementRefused, or what the caller's own function threw; never an error of the library.
 */
export class Database {
  readonly url: string
  readonly directUrl: string
  readonly applicationName: string
  readonly queryDeadlineMs: number
  private readonly pool: Pool
  private readonly admission: Admission
  private outside: Sql | null = null

  constructor(options: DatabaseOptions) {
    const settings = { ...DEFAULTS, ...options }
    this.url = settings.url
    this.directUrl = settings.directUrl ?? settings.url
    this.applicationName = settings.applicationName
    this.queryDeadlineMs = settings.queryDeadlineMs
    this.pool = new Pool(settings.url, {
      applicationName: settings.applicationName,
      connectTimeoutMs: settings.queryDeadlineMs / 2,
      parameters: {
        statement_timeout: settings.statementTimeoutMs,
        lock_timeout: settings.lockTimeoutMs,
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      },
    })
    this.admission = new Admission(settings.poolSize, settings.maxQueued)
  }

  /** One connection more, for whoever looks in from outside; queries of the product belong into `call` or `transaction`. */
  get sql(): Sql {
    if (this.outside === null || !this.pool.has(this.outside)) this.outside = this.pool.take()
    return this.outside
  }

  /** Runs one statement (or several that need not be consistent), again where a deadlock rolled it back. */
  call<T>(port: string, query: (sql: Sql) => PromiseLike<T>, options: Priority = {}): Promise<T> {
    return this.admit(port, options.first === true, async (sql) => await query(sql))
  }

  /**
   * Runs `work` in one transaction, again from the start where a deadlock, a serialization failure or the loss of the connection
   * before the commit rolled it back. When it throws PortUnavailable the outcome is unknown.
   */
  transaction<T>(
    port: string,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const mode = [
      ...(options.isolation === undefined ? [] : [`isolation level ${options.isolation}`]),
      ...(options.readOnly === true ? ['read only'] : []),
    ].join(' ')
    return this.admit(port, options.first === true, (sql) => transact(sql, mode, work))
  }

  /** Whether the database answers, and how fast. Never throws. */
  async health(): Promise<DatabaseHealth> {
    const startedAt = performance.now()
    const ok = await this.call('Database', (sql) => sql`select 1`).then(
      () => true,
      () => false,
    )
    return { ok, latencyMs: performance.now() - startedAt }
  }

  load(): { readonly running: number; readonly waiting: number } {
    return this.admission.load()
  }

  /** Lets what runs finish for `timeoutMs`, then closes all connections. */
  async close(timeoutMs = 5_000): Promise<void> {
    await this.pool.close(timeoutMs)
  }

  private async admit<T>(port: string, first: boolean, run: (sql: Sql) => Promise<T>): Promise<T> {
    const place = this.admission.enter(first)
    if (place === null)
      throw new PortUnavailable(port, new Error('Too many calls wait for the database'), RETRY_AFTER_MS)
    const expiresAt = performance.now() + this.queryDeadlineMs
    let timer: ReturnType<typeof setTimeout> | undefined
    let isRunning = false
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        place.abandon()
        // The server ends a statement sooner; so it may be the connection that does not answer.
        if (isRunning) this.pool.replace()
        reject(new PortUnavailable(port, new Error('The database did not answer in time'), RETRY_AFTER_MS))
      }, this.queryDeadlineMs)
    })
    // The place is given back when the library has settled, not when the caller gave up: until then the connection is taken.
    const outcome = place.admitted.then((leave) => {
      isRunning = true
      return this.attempt(port, expiresAt, run).finally(leave)
    })
    return Promise.race([outcome, deadline]).finally(() => clearTimeout(timer))
  }

  private async attempt<T>(port: string, expiresAt: number, run: (sql: Sql) => Promise<T>): Promise<T> {
    for (let left = ATTEMPTS - 1; ; left -= 1) {
      try {
        return await this.runOnce(run)
      } catch (error) {
        if (left === 0 || performance.now() >= expiresAt || !isRepeatable(error)) throw translate(port, error)
        await pause(5 + Math.random() * 45)
      }
    }
  }

  private async runOnce<T>(run: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = this.pool.take()
    try {
      return await run(sql)
    } catch (error) {
      if (isConnectionLoss(error)) this.pool.lost(sql)
      throw error
    } finally {
      this.pool.giveBack(sql)
    }
  }
}

export const openDatabase = (options: DatabaseOptions): Database => new Database(options)
