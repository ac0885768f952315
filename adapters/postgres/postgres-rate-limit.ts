import { createHash } from 'node:crypto'
import type { Allowance, RateLimit } from '../../core/domain/gcra.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'
import type { Database } from './database.js'
import { GatheredCalls } from './gathered-calls.js'
import { occasionally } from './occasionally.js'

const PORT = 'RateLimitPort'
const CLEAN_EVERY_MS = 60_000
/** Few enough that no count waits long for them. */
const CLEAN_AT_ONCE = 5_000
/** The rest waits for the next time. */
const CLEAN_ROUNDS = 200

type Call = { readonly key: string; readonly limit: RateLimit }

type Counted = { readonly key: string; readonly allowed: number; readonly wait_ms: number }

/**
 * GCRA counters that all processes share, by the clock of the database. Calls that arrive together are counted by one
 * statement, those of one key as one row, so that neither a busy server nor a busy key pays a transaction a call.
 */
export class PostgresRateLimit implements RateLimitPort {
  readonly scope = 'cluster'
  private readonly calls: GatheredCalls<Call, Allowance>
  private readonly clean: () => void

  constructor(
    private readonly database: Pick<Database, 'call' | 'queryDeadlineMs'>,
    { cleanEveryMs = CLEAN_EVERY_MS }: { readonly cleanEveryMs?: number } = {},
  ) {
    this.clean = occasionally(cleanEveryMs, () => this.deleteExpired())
    this.calls = new GatheredCalls((batch) => this.count(batch), {
      port: PORT,
      maxBatch: 500,
      maxWaiting: 5_000,
      deadlineMs: database.queryDeadlineMs,
      keyOf: ({ key }) => key,
      mayShare: ({ limit: a }, { limit: b }) => a.perMinute === b.perMinute && a.burst === b.burst,
    })
  }

  take(key: string, limit: RateLimit): Promise<Allowance> {
    this.clean()
    // Keys hold addresses and may be of any length; the digest is neither readable nor longer than an index entry may be.
    return this.calls.call({ key: createHash('sha256').update(key).digest('base64url'), limit })
  }

  private async count(batch: readonly Call[]): Promise<readonly Allowance[]> {
    const counts = new Map<string, Call & { calls: number }>()
    for (const call of batch) {
      const earlier = counts.get(call.key)
      if (earlier === undefined) counts.set(call.key, { ...call, calls: 1 })
      else earlier.calls += 1
    }
    const asked = [...counts.values()]
    const rows = await this.database.call(
      PORT,
      // Sorted, so that batches of two processes lock the rows they share in one order. The clock is read for each row after
      // its lock is held, so that no call is counted as earlier than the one before it.
      (sql) => sql<Counted[]>`
        insert into rate_limits as kept (key, per_minute, burst, calls, tat_ms, allowed, wait_ms)
        select asked.key, asked.per_minute, asked.burst, asked.calls, fresh.next_tat_ms, fresh.allowed, fresh.wait_ms
        from
          unnest(
            ${asked.map(({ key }) => key)}::text[],
            ${asked.map(({ limit }) => limit.perMinute)}::float8[],
            ${asked.map(({ limit }) => limit.burst)}::float8[],
            ${asked.map(({ calls }) => calls)}::bigint[]::integer[]
          ) as asked (key, per_minute, burst, calls),
          gcra(
            null, extract(epoch from clock_timestamp())::float8 * 1000, asked.per_minute, asked.burst, asked.calls
          ) as fresh
        order by asked.key
        on conflict (key) do update set (per_minute, burst, calls, tat_ms, allowed, wait_ms) = (
          select
            excluded.per_minute, excluded.burst, excluded.calls, next.next_tat_ms, next.allowed, next.wait_ms
          from gcra(
            kept.tat_ms, extract(epoch from clock_timestamp())::float8 * 1000,
            excluded.per_minute, excluded.burst, excluded.calls
          ) as next
        )
        returning key, allowed, wait_ms`,
    )
    return inOrder(batch, rows)
  }

  private async deleteExpired(): Promise<void> {
    for (let round = 0; round < CLEAN_ROUNDS; round += 1) {
      const { count } = await this.database.call(
        PORT,
        // By the time of the statement, which is one value for all rows, so that the index can be used.
        (sql) => sql`
          delete from rate_limits where key in (
            select key from rate_limits where tat_ms < extract(epoch from statement_timestamp())::float8 * 1000
            order by tat_ms limit ${CLEAN_AT_ONCE} for update skip locked
          )`,
      )
      if (count < CLEAN_AT_ONCE) return
    }
  }
}

/** What each call is answered: of the calls of a key, those that came first are allowed. */
function inOrder(batch: readonly Call[], rows: readonly Counted[]): readonly Allowance[] {
  const left = new Map(rows.map((row) => [row.key, row.allowed]))
  const waitMs = new Map(rows.map((row) => [row.key, Math.ceil(row.wait_ms)]))
  return batch.map(({ key }): Allowance => {
    const allowed = left.get(key) ?? 0
    left.set(key, allowed - 1)
    return allowed > 0 ? { allowed: true } : { allowed: false, retryAfterMs: waitMs.get(key) ?? Number.NaN }
  })
}
