import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/postgres/database.js'
import { migrate } from '../../adapters/postgres/migrate.js'
import { PostgresBus } from '../../adapters/postgres/postgres-bus.js'
import { PostgresLock } from '../../adapters/postgres/postgres-lock.js'
import { PostgresPresence } from '../../adapters/postgres/postgres-presence.js'
import { PostgresRateLimit } from '../../adapters/postgres/postgres-rate-limit.js'
import { PostgresSessions } from '../../adapters/postgres/postgres-sessions.js'
import { ProcessLease } from '../../adapters/postgres/process-lease.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { openTestLogin } from '../support/postgres-login.js'
import { busPortContract } from './bus-port.contract.js'
import { lockPortContract } from './lock-port.contract.js'
import { presencePortContract } from './presence-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

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

const passTimeMs = (ms: number) => sleep(ms)

describe('PostgresLock', () => {
  it.each(Object.entries(lockPortContract))('%s', (_behaviour, verify) =>
    verify({ lock: new PostgresLock(first), peer: new PostgresLock(second), passTimeMs }),
  )
})

describe('PostgresRateLimit', () => {
  it.each(Object.entries(rateLimitPortContract))('%s', (_behaviour, verify) =>
    verify({ limits: new PostgresRateLimit(first), peer: new PostgresRateLimit(second), passTimeMs }),
  )
})

describe('PostgresPresence', () => {
  // Long enough for a busy machine to renew it in time.
  const LEASE_MS = 2_500

  it.each(Object.entries(presencePortContract))('%s', async (_behaviour, verify) => {
    await first.call('test', (sql) => sql`truncate process_leases, presence_sockets, live_sessions`)
    let booted = 0
    const boot = () => {
      booted += 1
      const database = booted % 2 === 0 ? first : second
      return new PostgresPresence(database, new ProcessLease(database, LEASE_MS))
    }
    await verify({ boot, leaseMs: LEASE_MS, passTimeMs })
  })
})

describe('PostgresSessions', () => {
  const endLogin = (loginId: string) =>
    first.call('test', async (sql) => {
      await sql`update logins set ended_at_ms = 0, end_reason = 'ended' where id = ${loginId}`
    })

  it.each(Object.entries(sessionPortContract))('%s', (_behaviour, verify) =>
    verify({
      sessions: new PostgresSessions(first, new ProcessLease(first)),
      peer: new PostgresSessions(second, new ProcessLease(second)),
      openLogin: () => openTestLogin(first),
      endLogin,
    }),
  )
})

describe('PostgresBus', () => {
  it.each(Object.entries(busPortContract))('%s', async (_behaviour, verify) => {
    const [a, b, c] = [new PostgresBus(first), new PostgresBus(second), new PostgresBus(second)]
    try {
      await verify({ a, b, c })
    } finally {
      await Promise.all([a.close(), b.close(), c.close()])
    }
  })
})
