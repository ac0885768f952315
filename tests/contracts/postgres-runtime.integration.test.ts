import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/postgres/database.js'
import { PostgresBus } from '../../adapters/postgres/postgres-bus.js'
import { PostgresLock } from '../../adapters/postgres/postgres-lock.js'
import { PostgresPresence } from '../../adapters/postgres/postgres-presence.js'
import { PostgresRateLimit } from '../../adapters/postgres/postgres-rate-limit.js'
import { PostgresSessions } from '../../adapters/postgres/postgres-sessions.js'
import { ProcessLease } from '../../adapters/postgres/process-lease.js'
import { lanesOf } from '../support/lanes.js'
import { passTimeMs } from '../support/pass-time.js'
import { migratedDatabase, type TestDatabase } from '../support/postgres.js'
import { openTestLogin } from '../support/postgres-login.js'
import { busPortContract } from './bus-port.contract.js'
import { lockPortContract } from './lock-port.contract.js'
import { presencePortContract } from './presence-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

/** For a suite: what two processes on one database have, which is its own. */
function twoProcesses(): () => readonly [Database, Database] {
  let test: TestDatabase
  let databases: readonly [Database, Database]
  beforeAll(async () => {
    test = await migratedDatabase()
    const open = () => openDatabase({ url: test.url, poolSize: 5 })
    databases = [open(), open()]
  })
  afterAll(async () => {
    for (const database of databases ?? []) await database.close()
    await test?.drop()
  })
  return () => databases
}

describe.concurrent('PostgresLock', () => {
  const databases = twoProcesses()

  it.sequential.each(Object.entries(lockPortContract))('%s', (_behaviour, verify) => {
    const [first, second] = databases()
    return verify({ lock: new PostgresLock(first), peer: new PostgresLock(second), passTimeMs })
  })
})

describe.concurrent('PostgresRateLimit', () => {
  const databases = twoProcesses()

  it.sequential.each(Object.entries(rateLimitPortContract))('%s', (_behaviour, verify) => {
    const [first, second] = databases()
    return verify({ limits: new PostgresRateLimit(first), peer: new PostgresRateLimit(second), passTimeMs })
  })
})

const PRESENCE_LANES = lanesOf(Object.entries(presencePortContract), 4)

describe.concurrent.each(PRESENCE_LANES)('PostgresPresence %s', (_lane, behaviours) => {
  const databases = twoProcesses()
  // Long enough for a busy machine to renew it in time.
  const LEASE_MS = 2_500

  it.sequential.each(behaviours)('%s', async (_behaviour, verify) => {
    const [first, second] = databases()
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

describe.concurrent('PostgresSessions', () => {
  const databases = twoProcesses()

  it.sequential.each(Object.entries(sessionPortContract))('%s', (_behaviour, verify) => {
    const [first, second] = databases()
    return verify({
      sessions: new PostgresSessions(first, new ProcessLease(first)),
      peer: new PostgresSessions(second, new ProcessLease(second)),
      openLogin: () => openTestLogin(first),
      endLogin: (loginId) =>
        first.call('test', async (sql) => {
          await sql`update logins set ended_at_ms = 0, end_reason = 'ended' where id = ${loginId}`
        }),
    })
  })
})

describe.concurrent('PostgresBus', () => {
  const databases = twoProcesses()

  it.sequential.each(Object.entries(busPortContract))('%s', async (_behaviour, verify) => {
    const [first, second] = databases()
    const [a, b, c] = [new PostgresBus(first), new PostgresBus(second), new PostgresBus(second)]
    try {
      await verify({ a, b, c })
    } finally {
      await Promise.all([a.close(), b.close(), c.close()])
    }
  })
})
