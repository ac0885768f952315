import { type ConnectionSettings, openConnections, type Sql } from './connection.js'

/** How long calls under way may go on over connections that have been replaced. */
const RETIREMENT_MS = 5_000

/**
 * Connections for one call at a time each, opened as they are needed. The one that was given back last is the next to go out, so
 * that few processes of the database do most of the work, with what it takes in their caches: a pool of postgres.js goes round all
 * of its connections, where a batch of sends costs the database a quarter more.
 *
 * All are replaced when one is lost or hangs. postgres.js 3.4 may keep a connection that was lost at the wrong moment for ever,
 * unable to send; fresh ones are never so. What runs on the old ones may finish.
 */
export class Pool {
  private readonly current = new Set<Sql>()
  private readonly idle: Sql[] = []
  private isClosed = false

  constructor(
    private readonly url: string,
    private readonly settings: Omit<ConnectionSettings, 'onLost' | 'max'>,
  ) {}

  /** For one call, until it is given back. Throws once the pool is closed. */
  take(): Sql {
    if (this.isClosed) throw Object.assign(new Error('the pool is closed'), { code: 'CONNECTION_ENDED' })
    return this.idle.pop() ?? this.open()
  }

  giveBack(sql: Sql): void {
    if (this.has(sql)) this.idle.push(sql)
  }

  /** Whether it has not been replaced. */
  has(sql: Sql): boolean {
    return this.current.has(sql)
  }

  /** This one is gone, or about to go. What was replaced already says nothing of those that are in use now. */
  lost(sql: Sql): void {
    if (this.has(sql)) this.replace()
  }

  /** From now on calls get fresh connections; those under way have a while to finish, and are then failed. */
  replace(): void {
    void this.end(RETIREMENT_MS)
  }

  /** Connections that were replaced end by themselves. */
  async close(timeoutMs: number): Promise<void> {
    this.isClosed = true
    await this.end(timeoutMs)
  }

  private async end(timeoutMs: number): Promise<void> {
    const ending = [...this.current]
    this.current.clear()
    this.idle.length = 0
    await Promise.all(ending.map((sql) => sql.end({ timeout: timeoutMs / 1_000 })))
  }

  private open(): Sql {
    const sql = openConnections(this.url, {
      ...this.settings,
      max: 1,
      onLost: () => this.lost(sql),
    })
    this.current.add(sql)
    return sql
  }
}
