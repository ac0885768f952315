import { randomUUID } from 'node:crypto'
import { PRESENCE_LEASE_MS } from '../../core/ports/presence-port.js'
import type { Database } from './database.js'

const PORT = 'PresencePort'

/** `hasLapsed`: what was stored did not count for a while, or is gone. Else some of it may be missing, or should be. */
export type Restorer = (hasLapsed: boolean) => Promise<void>

/**
 * That this process is alive, as the others can tell. What it has put into the runtime tables counts only while its lease
 * does; where the lease was lost (the database lost its unlogged tables, or this process was taken for dead), all of it is
 * put there again.
 */
export class ProcessLease {
  /** New with each boot: a restarted process never takes over what its predecessor left. */
  readonly bootId = randomUUID()
  private place: string | null = null
  private readonly restorers: Restorer[] = []
  /** When the present lease began, as the database writes it; null where what is stored may be incomplete. */
  private since: string | null = null
  /** When the lease began under which all was restored last. */
  private restoredSince: string | null = null
  private doubts = 0
  private renewal: Promise<void> | null = null

  private static readonly leases = new WeakMap<Database, ProcessLease>()

  /** The lease of the process that opened the database; its adapters share it. */
  static of(database: Database): ProcessLease {
    const lease = ProcessLease.leases.get(database) ?? new ProcessLease(database)
    ProcessLease.leases.set(database, lease)
    return lease
  }

  constructor(
    private readonly database: Database,
    readonly leaseMs = PRESENCE_LEASE_MS,
  ) {}

  /** `restore` puts all of this process's rows in place again; called within `renew`. */
  onLost(restore: Restorer): void {
    this.restorers.push(restore)
  }

  /** Renews the lease, and restores what was lost with it. */
  renew(): Promise<void> {
    this.renewal ??= this.renewOnce().finally(() => {
      this.renewal = null
    })
    return this.renewal
  }

  /** Tells the other processes something of this one; null: nothing. It is told again with each renewal. */
  async tell(place: string | null): Promise<void> {
    this.place = place
    // One that is under way may have begun before.
    await this.renewal?.catch(() => undefined)
    await this.renew()
  }

  async ensure(): Promise<void> {
    if (this.since === null) await this.renew()
  }

  /** To be called where a write of a row may or may not have been carried out. */
  doubt(): void {
    this.since = null
    this.doubts += 1
  }

  private async renewOnce(): Promise<void> {
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ since: string }[]>`
        insert into process_leases as lease (boot_id, since, expires_at, place)
        values (
          ${this.bootId}, clock_timestamp(),
          clock_timestamp() + ${this.leaseMs}::float8 * interval '1 millisecond', ${this.place}
        )
        on conflict (boot_id) do update set
          since = case when lease.expires_at > clock_timestamp() then lease.since else clock_timestamp() end,
          expires_at = excluded.expires_at,
          place = excluded.place
        returning since::text`,
    )
    const since = row?.since ?? null
    if (since === this.since) return
    this.since = null
    const { doubts } = this
    for (const restore of this.restorers) await restore(since !== this.restoredSince)
    this.restoredSince = since
    if (this.doubts === doubts) this.since = since
  }
}
