import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Database,
  migrate,
  openDatabase,
  ProcessCount,
  ProcessLease,
} from '../../adapters/postgres/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { eventually } from './eventually.js'

const LONG_MS = 60_000
/** How long a count waits where the table is locked. */
const LOCK_TIMEOUT_MS = 2_000

describe('how many processes there are', () => {
  let test: TestDatabase
  let database: Database
  let count: ProcessCount | null = null

  beforeAll(async () => {
    test = await testDatabase()
    await migrate(test.url)
    database = openDatabase({ url: test.url, poolSize: 3, lockTimeoutMs: LOCK_TIMEOUT_MS })
  })

  beforeEach(() => database.call('test', (sql) => sql`truncate process_leases`))

  afterEach(() => {
    count?.close()
    count = null
  })

  afterAll(async () => {
    await database?.close()
    await test?.drop()
  })

  const started = async (...options: ConstructorParameters<typeof ProcessCount>): Promise<ProcessCount> => {
    count = new ProcessCount(...options)
    await count.start()
    return count
  }

  const startOthers = async (leaseMs = LONG_MS): Promise<void> => {
    await new ProcessLease(database, leaseMs).renew()
    await new ProcessLease(database, leaseMs).renew()
  }

  it('is known when a process has started, which counts itself once, with a lease and without', async () => {
    await startOthers()
    expect((await started(database)).value).toBe(3)
    await ProcessLease.of(database).renew()
    expect((await started(database)).value).toBe(3)
  })

  it('is known soon of processes that start a little later', async () => {
    const processes = await started(database)
    expect(processes.value).toBe(1)
    await startOthers()
    await eventually('the others to be counted', () => processes.value === 3, 4_000)
  })

  it('does not hold up a start while the database is slow, and is known soon after', async () => {
    await startOthers()
    const holder = database.sql
    const startedMs = performance.now()
    await holder.begin(async (tx) => {
      await tx`lock table process_leases in access exclusive mode`
      const processes = await started(database, { startWithinMs: 100 })
      expect(performance.now() - startedMs).toBeLessThan(LOCK_TIMEOUT_MS / 2)
      expect(processes.value).toBe(1)
      // Long enough for the first attempt to fail.
      await tx`select pg_sleep(${LOCK_TIMEOUT_MS / 1_000}::float8)`
      expect(processes.value).toBe(1)
    })
    await eventually('the others to be counted', () => count?.value === 3, 4_000)
  })

  it('is counted again for as long as the process lives, more seldom', async () => {
    await startOthers(LONG_MS)
    const processes = await started(database, { everyMs: 200, eagerEveryMs: LONG_MS, eagerForMs: 0 })
    await database.call('test', (sql) => sql`truncate process_leases`)
    await eventually('the others to be gone', () => processes.value === 1, 4_000)
    await startOthers()
    await eventually('others to be counted', () => processes.value === 3, 4_000)
  })
})
