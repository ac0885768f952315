import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Database,
  migrate,
  openDatabase,
  PostgresLock,
  PostgresRateLimit,
} from '../../adapters/postgres/index.js'
import { gcra, type RateLimit } from '../../core/domain/gcra.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { GCRA_VECTORS } from './gcra-vectors.js'

let test: TestDatabase
let first: Database
let second: Database

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.url)
  first = openDatabase({ url: test.url, poolSize: 5 })
  second = openDatabase({ url: test.url, poolSize: 5 })
})

afterAll(async () => {
  await first?.close()
  await second?.close()
  await test?.drop()
})

type Step = { readonly next_tat_ms: number; readonly allowed: number; readonly wait_ms: number }

async function step(tatMs: number | null, nowMs: number, limit: RateLimit, calls: number): Promise<Step> {
  const [row] = await first.call(
    'test',
    (sql) => sql<Step[]>`
      select * from gcra(
        ${tatMs}::float8, ${nowMs}::float8, ${limit.perMinute}::float8, ${limit.burst}::float8, ${calls}::integer
      )`,
  )
  return row ?? expect.fail('no row')
}

/** So many calls at one instant, one after the other, as the core counts them. */
function inTurn(tatMs: number | null, nowMs: number, limit: RateLimit, calls: number) {
  let keptMs = tatMs
  const retryAfterMs: number[] = []
  for (let call = 0; call < calls; call += 1) {
    const { allowance, tatMs: nextMs } = gcra(keptMs, nowMs, limit)
    keptMs = nextMs
    if (!allowance.allowed) retryAfterMs.push(allowance.retryAfterMs)
  }
  return { tatMs: keptMs, allowed: calls - retryAfterMs.length, retryAfterMs }
}

/** Passes every call on and counts it, or refuses it as an outage does. */
function watched(database: Database) {
  const watch: Pick<Database, 'call' | 'queryDeadlineMs'> & { calls: number; isDown: boolean } = {
    queryDeadlineMs: database.queryDeadlineMs,
    calls: 0,
    isDown: false,
    call: (port, query) => {
      watch.calls += 1
      if (watch.isDown) return Promise.reject(new PortUnavailable(port, new Error('down')))
      return database.call(port, query)
    },
  }
  return watch
}

describe('the arithmetic of PostgresRateLimit', () => {
  it.each(GCRA_VECTORS)('answers the vector: $name', async ({ limit, calls }) => {
    let tatMs: number | null = null
    for (const [atMs, retryAfterMs] of calls) {
      const { next_tat_ms, allowed, wait_ms } = await step(tatMs, atMs, limit, 1)
      expect([atMs, allowed === 0 ? Math.ceil(wait_ms) : null]).toEqual([atMs, retryAfterMs])
      tatMs = next_tat_ms
    }
  })

  it.each(GCRA_VECTORS)('answers the calls of one instant together: $name', async ({ limit, calls }) => {
    let tatMs: number | null = null
    for (const atMs of new Set(calls.map(([callAtMs]) => callAtMs))) {
      const expected = calls.filter(([callAtMs]) => callAtMs === atMs).map(([, retryAfterMs]) => retryAfterMs)
      const { next_tat_ms, allowed, wait_ms } = await step(tatMs, atMs, limit, expected.length)
      const answered = expected.map((_, call) => (call < allowed ? null : Math.ceil(wait_ms)))
      expect([atMs, answered]).toEqual([atMs, expected])
      tatMs = next_tat_ms
    }
  })

  it('is that of the core, to the last bit, for any number of calls at one instant', async () => {
    const now = fc.double({ min: 1.6e12, max: 2e12, noNaN: true })
    const ahead = fc.option(fc.double({ min: -1e6, max: 1, noNaN: true }))
    const limits = fc.record({
      perMinute: fc.integer({ min: 1, max: 60_000 }),
      burst: fc.integer({ min: 1, max: 1_000 }),
    })
    const counts = fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 500 }))
    await fc.assert(
      fc.asyncProperty(now, ahead, limits, counts, async (nowMs, share, limit, calls) => {
        // As far ahead as an allowed call can put it, or any time in the past.
        const tatMs =
          share === null
            ? null
            : nowMs + (share > 0 ? (share * limit.burst * 60_000) / limit.perMinute : share)
        const expected = inTurn(tatMs, nowMs, limit, calls)
        const { next_tat_ms, allowed, wait_ms } = await step(tatMs, nowMs, limit, calls)
        expect({ tatMs: next_tat_ms, allowed }).toEqual({ tatMs: expected.tatMs, allowed: expected.allowed })
        for (const retryAfterMs of expected.retryAfterMs) expect(Math.ceil(wait_ms)).toBe(retryAfterMs)
      }),
      { numRuns: 500 },
    )
  })
})

describe('PostgresRateLimit', () => {
  it('never lets two processes together over the limit, however hard they try (pitfall 10)', async () => {
    const limit = { perMinute: 1_200, burst: 10 }
    const key = randomUUID()
    const startedAt = performance.now()
    const hammer = async (database: Database) => {
      const limits = new PostgresRateLimit(database)
      let allowed = 0
      while (performance.now() - startedAt < 2_000) {
        const answers = await Promise.all(Array.from({ length: 8 }, () => limits.take(key, limit)))
        allowed += answers.filter((answer) => answer.allowed).length
      }
      return allowed
    }
    const [a, b] = await Promise.all([hammer(first), hammer(second)])
    const atMost = limit.burst + ((performance.now() - startedAt) * limit.perMinute) / 60_000
    expect(a + b).toBeLessThanOrEqual(atMost)
    expect(a + b).toBeGreaterThan(atMost / 2)
  })

  it('counts what arrives in one tick by one statement, and what gathers meanwhile by the next', async () => {
    const database = watched(first)
    const limits = new PostgresRateLimit(database)
    const limit = { perMinute: 60, burst: 1 }
    const take = () => limits.take(randomUUID(), limit)
    const early = Promise.all(Array.from({ length: 100 }, take))
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([early, ...Array.from({ length: 100 }, take)])
    expect(database.calls).toBe(2)
  })

  it('counts the calls of one key by one statement, and allows those that came first', async () => {
    const database = watched(first)
    const limits = new PostgresRateLimit(database)
    const limit = { perMinute: 1, burst: 50 }
    const key = randomUUID()
    const answers = await Promise.all(Array.from({ length: 200 }, () => limits.take(key, limit)))
    expect(database.calls).toBe(1)
    expect(answers.map(({ allowed }) => allowed)).toEqual(answers.map((_, index) => index < 50))
    for (const answer of answers.slice(50)) {
      const retryAfterMs = answer.allowed ? Number.NaN : answer.retryAfterMs
      expect(retryAfterMs).toBeGreaterThan(59_000)
      expect(retryAfterMs).toBeLessThanOrEqual(60_000)
    }
  })

  it('counts each call by its own limit where one key comes with several', async () => {
    const limits = new PostgresRateLimit(first)
    const key = randomUUID()
    const takes = [1, 3, 3, 3, 1].map((burst) => limits.take(key, { perMinute: 1, burst }))
    const answers = await Promise.all(takes)
    expect(answers.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false])
  })

  it('keeps no address readable, and takes keys of any length and content', async () => {
    const limits = new PostgresRateLimit(first)
    const limit = { perMinute: 1, burst: 1 }
    const keys = ['ada@example.org', 'x'.repeat(100_000), '\0', '\ud800', `${randomUUID()}'"\\`]
    const answers = await Promise.all(keys.map((key) => limits.take(key, limit)))
    expect(answers.every((answer) => answer.allowed)).toBe(true)
    const rows = await first.call('test', (sql) => sql<{ key: string }[]>`select key from rate_limits`)
    expect(rows.filter(({ key }) => key.length > 50 || key.includes('@'))).toEqual([])
  })

  it('deletes every key that is as good as unknown, however many there are, and no other', async () => {
    const limits = new PostgresRateLimit(first, { cleanEveryMs: 0 })
    await first.call(
      'test',
      (sql) => sql`
        insert into rate_limits (key, per_minute, burst, tat_ms, calls, allowed, wait_ms)
        select 'key ' || n, 1, 1, extract(epoch from now()) * 1000 + (n % 4 - 2.5) * 600000, 1, 1, 0
        from generate_series(1, 16000) as n`,
    )
    const count = async (which: string) => {
      const rows = await first.call(
        'test',
        (sql) => sql<{ count: number }[]>`
          select count(*)::integer as count from rate_limits
          where key like 'key %' and (tat_ms > extract(epoch from now()) * 1000) = ${which === 'ahead'}`,
      )
      return rows[0]?.count
    }
    expect(await count('past')).toBe(12_000)
    await limits.take(randomUUID(), { perMinute: 1, burst: 1 })
    await expect.poll(() => count('past'), { timeout: 10_000 }).toBe(0)
    expect(await count('ahead')).toBe(4_000)
  })

  it('throws PortUnavailable where it cannot ask', async () => {
    const database = watched(first)
    database.isDown = true
    const limits = new PostgresRateLimit(database)
    const takes = [limits.take('a', { perMinute: 1, burst: 1 }), limits.take('b', { perMinute: 1, burst: 1 })]
    for (const outcome of await Promise.allSettled(takes))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { port: 'RateLimitPort' } })
    database.isDown = false
    expect(await limits.take(randomUUID(), { perMinute: 1, burst: 1 })).toEqual({ allowed: true })
  })
})

describe('PostgresLock', () => {
  it('numbers its holders upwards, whether the lock was released or lapsed before (pitfall 8)', async () => {
    const [here, there] = [new PostgresLock(first), new PostgresLock(second)]
    const key = randomUUID()
    const fences: number[] = []
    for (const lock of [here, there, here]) {
      const held = (await lock.tryAcquire(key, 10_000)) ?? expect.fail('is held')
      fences.push(held.fence)
      expect(await held.release()).toBe(true)
    }
    for (const lock of [there, here]) {
      fences.push(((await lock.tryAcquire(key, 50)) ?? expect.fail('is held')).fence)
      await sleep(100)
    }
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
    expect(new Set(fences).size).toBe(5)
  })

  it('throws PortUnavailable where it cannot ask, and answers false where it cannot release (pitfall 8)', async () => {
    const database = watched(first)
    const lock = new PostgresLock(database)
    const held = await lock.tryAcquire(randomUUID(), 10_000)
    database.isDown = true
    expect(await held?.release()).toBe(false)
    await expect(lock.tryAcquire(randomUUID(), 10_000)).rejects.toMatchObject({ port: 'LockPort' })
    database.isDown = false
    expect(await held?.release()).toBe(true)
  })
})
