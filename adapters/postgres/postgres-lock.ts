import { randomUUID } from 'node:crypto'
import type { HeldLock, LockPort } from '../../core/ports/lock-port.js'
import type { Database } from './database.js'
import { occasionally } from './occasionally.js'

const PORT = 'LockPort'
const CLEAN_EVERY_MS = 600_000
const CLEAN_AT_ONCE = 5_000

/** `fence`: higher than that of any earlier holder; a write that carries a lower one comes from a holder that lapsed. */
export type FencedLock = HeldLock & { readonly fence: number }

/**
 * Locks as lease rows, by the clock of the database. No transaction or session stays open while one is held, so they pass
 * through poolers and outlive no crash by more than their lifetime.
 */
export class PostgresLock implements LockPort {
  readonly scope = 'cluster'
  private readonly clean = occasionally(CLEAN_EVERY_MS, () => this.deleteLapsed())

  constructor(private readonly database: Pick<Database, 'call'>) {}

  async tryAcquire(key: string, ttlMs: number): Promise<FencedLock | null> {
    this.clean()
    // New for each attempt: one that timed out here may still be carried out there, and must not look like the next.
    const owner = randomUUID()
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ fence: number }[]>`
        insert into locks as held (key, owner, fence, expires_at)
        values (
          ${key}, ${owner}, nextval('lock_fences'), clock_timestamp() + ${ttlMs}::float8 * interval '1 millisecond'
        )
        on conflict (key) do update set
          owner = excluded.owner,
          fence = nextval('lock_fences'),
          expires_at = clock_timestamp() + ${ttlMs}::float8 * interval '1 millisecond'
        where held.expires_at <= clock_timestamp()
        returning fence`,
    )
    return row === undefined ? null : { fence: row.fence, release: () => this.release(key, owner) }
  }

  private async release(key: string, owner: string): Promise<boolean> {
    const released = await this.database
      .call(
        PORT,
        (sql) => sql`
          delete from locks where key = ${key} and owner = ${owner} and expires_at > clock_timestamp()`,
      )
      .catch(() => ({ count: 0 }))
    return released.count === 1
  }

  private async deleteLapsed(): Promise<void> {
    await this.database.call(
      PORT,
      (sql) => sql`
        delete from locks where key in (
          select key from locks where expires_at < clock_timestamp() - interval '1 hour'
          limit ${CLEAN_AT_ONCE} for update skip locked
        )`,
    )
  }
}
