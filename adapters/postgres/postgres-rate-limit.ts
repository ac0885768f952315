import { createHash } from 'node:crypto'
import { type Allowance, GCRA_TOLERANCE_MS, type RateLimit } from '../../core/domain/gcra.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'
import type { Database } from './database.js'
import { GatheredCalls } from './gathered-calls.js'
import { occasionally } from './occasionally.js'

const PORT = 'RateLimitPort'
const CLEAN_EVERY_MS = 60_000
const CLEAN_AT_ONCE = 5_000

type Call = { readonly key: string; readonly limit: RateLimit }

/**
 * GCRA counters that all processes share, by the clock of the database. Calls that arrive together are counted by one
 * statement, so that a busy server does not pay a transaction a message.
 */
export class PostgresRateLimit implements RateLimitPort {
  readonly scope = 'cluster'
  private readonly calls: GatheredCalls<Call, Allowance>
  private readonly clean = occasionally(CLEAN_EVERY_MS, () => this.deleteExpired())

  constructor(private readonly database: Pick<Database, 'call'>) {
    this.calls = new GatheredCalls((batch) => this.count(batch), {
      port: PORT,
      maxBatch: 500,
      maxWaiting: 5_000,
      keyOf: (call) => call.key,
    })
  }

  take(key: string, limit: RateLimit): Promise<Allowance> {
    this.clean()
    // Keys hold addresses and may be of any length; the digest is neither readable nor longer than an index entry may be.
    return this.calls.call({ key: createHash('sha256').update(key).digest('base64url'), limit })
  }

  private async count(batch: readonly Call[]): Promise<readonly Allowance[]> {
    const keys = batch.map(({ key }) => key)
    const perMinute = batch.map(({ limit }) => limit.perMinute)
    const burst = batch.map(({ limit }) => limit.burst)
    const rows = await this.database.call(
      PORT,
      // Sorted, so that batches of two processes lock the rows they share in one order. The clock is read for each row after
      // its lock is held, so that no call is counted as earlier than the one before it.
      (sql) => sql<{ key: string; wait_ms: number }[]>`
        insert into rate_limits as kept (key, per_minute, burst, tat_ms, wait_ms)
        select call.key, call.per_minute, call.burst, fresh.next_tat_ms, fresh.wait_ms
        from
          unnest(${keys}::text[], ${perMinute}::float8[], ${burst}::float8[]) as call (key, per_minute, burst),
          gcra(null, extract(epoch from clock_timestamp())::float8 * 1000, call.per_minute, call.burst) as fresh
        order by call.key
        on conflict (key) do update set (per_minute, burst, tat_ms, wait_ms) = (
          select excluded.per_minute, excluded.burst, next.next_tat_ms, next.wait_ms
          from gcra(
            kept.tat_ms, extract(epoch from clock_timestamp())::float8 * 1000, excluded.per_minute, excluded.burst
          ) as next
        )
        returning key, wait_ms`,
    )
    const waitMs = new Map(rows.map((row) => [row.key, row.wait_ms]))
    return keys.map((key) => toAllowance(waitMs.get(key) ?? Number.NaN))
  }

  private async deleteExpired(): Promise<void> {
    await this.database.call(
      PORT,
      (sql) => sql`
        delete from rate_limits where key in (
          select key from rate_limits where tat_ms < extract(epoch from clock_timestamp()) * 1000
          limit ${CLEAN_AT_ONCE} for update skip locked
        )`,
    )
  }
}

const toAllowance = (waitMs: number): Allowance =>
  waitMs <= GCRA_TOLERANCE_MS ? { allowed: true } : { allowed: false, retryAfterMs: Math.ceil(waitMs) }
