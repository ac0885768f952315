import { type ConnectionSettings, openConnections, type Sql } from './connection.js'

/** How long calls under way may go on in a pool that has been replaced. */
const RETIREMENT_MS = 5_000

/**
 * The connections in use, replaced as a whole when one of them is lost or hangs. postgres.js 3.4 may keep a connection that
 * was lost at the wrong moment in its pool for ever, unable to send; a fresh pool has none such. What runs on the old one may finish.
 */
export class Pool {
  private current: Sql

  constructor(
    private readonly url: string,
    private readonly settings: Omit<ConnectionSettings, 'onLost'>,
  ) {
    this.current = this.open()
  }

  get sql(): Sql {
    return this.current
  }

  /** From now on calls get fresh connections; those under way have a while to finish, and are then failed. */
  replace(): void {
    void this.current.end({ timeout: RETIREMENT_MS / 1_000 })
    this.current = this.open()
  }

  /** Connections that were replaced end by themselves. */
  async close(timeoutMs: number): Promise<void> {
    await this.current.end({ timeout: timeoutMs / 1_000 })
  }

  private open(): Sql {
    const sql = openConnections(this.url, {
      ...this.settings,
      onLost: () => {
        if (this.current === sql) this.replace()
      },
    })
    return sql
  }
}
