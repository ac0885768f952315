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
import { gcra } from '../../core/domain/gcra.js'
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

type Step = { readonly next_tat_ms: number; readonly wait_ms: number }

async function step(tatMs: number | null, nowMs: number, perMinute: number, burst: number): Promise<Step> {
  const [row] = await first.call(
    'test',
    (sql) => sql<Step[]>`
      select * from gcra(${tatMs}::float8, ${nowMs}::float8, ${perMinute}::float8, ${burst}::float8)`,
  )
  return row ?? expect.fail('no row')
}

/** Passes every call on and counts it, or refuses it as an outage does. */
function watched(database: Database) {
  const watch: Pick<Database, 'call'> & { calls: number; isDown: boolean } = {
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
      const { next_tat_ms, wait_ms } = await step(tatMs, atMs, limit.perMinute, limit.burst)
      expect([atMs, wait_ms > 0 ? Math.ceil(wait_ms) : null]).toEqual([atMs, retryAfterMs])
      tatMs = next_tat_ms
    }
  })

  it('is that of the core, to the last bit', async () => {
    const now = fc.double({ min: 1.6e12, max: 2e12, noNaN: true })
    const ahead = fc.option(fc.double({ min: -1e6, max: 1, noNaN: true }))
    const rate = fc.integer({ min: 1, max: 60_000 })
    const burst = fc.integer({ min: 1, max: 1_000 })
    await fc.assert(
      fc.asyncProperty(now, ahead, rate, burst, async (nowMs, share, perMinute, size) => {
        // As far ahead as an allowed call can put it, or any time in the past.
        const tatMs =
          share === null ? null : nowMs + (share > 0 ? (share * size * 60_000) / perMinute : share)
        const expected = gcra(tatMs, nowMs, { perMinute, burst: size })
        const { next_tat_ms, wait_ms } = await step(tatMs, nowMs, perMinute, size)
        expect(next_tat_ms).toBe(expected.tatMs)
        expect(wait_ms <= 0).toBe(expected.allowance.allowed)
        if (!expected.allowance.allowed) expect(Math.ceil(wait_ms)).toBe(expected.allowance.retryAfterMs)
      }),
      { numRuns: 300 },
    )
  })
})

describe('PostgresRateLimit', () => {
  it('never lets two processes together over the limit, however hard they try', async () => {
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

  it('keeps no address readable, and takes keys of any length and content', async () => {
    const limits = new PostgresRateLimit(first)
    const limit = { perMinute: 1, burst: 1 }
    const keys = ['ada@example.org', 'x'.repeat(100_000), '\0', '\ud800', `${randomUUID()}'"\\`]
    const answers = await Promise.all(keys.map((key) => limits.take(key, limit)))
    expect(answers.every((answer) => answer.allowed)).toBe(true)
    const rows = await first.call('test', (sql) => sql<{ key: string }[]>`select key from rate_limits`)
    expect(rows.filter(({ key }) => key.length > 50 || key.includes('@'))).toEqual([])
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
  it('numbers its holders upwards, whether the lock was released or lapsed before', async () => {
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

  it('throws PortUnavailable where it cannot ask, and answers false where it cannot release', async () => {
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
