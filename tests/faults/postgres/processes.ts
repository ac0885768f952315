import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import {
  createPostgresStore,
  type Database,
  type DatabaseOptions,
  migrate,
  openDatabase,
} from '../../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../../adapters/system/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { gaplessLog, type Store } from '../../contracts/store.js'
import { testDatabase } from '../../support/postgres.js'

export type StoreProcess = Store & { readonly database: Database; readonly applicationName: string }

/** A database of its own with the schema, a superuser's connections to it, and stores that share it as processes do. */
export async function postgresOfProcesses() {
  const test = await testDatabase()
  await migrate(test.sqlUrlDirect)
  const admin = postgres(test.adminUrl, { max: 4, onnotice: () => {} })
  const opened: Database[] = []
  const start = (options: Partial<DatabaseOptions> = {}): StoreProcess => {
    const applicationName = `process-${randomBytes(4).toString('hex')}`
    const database = openDatabase({ url: test.url, applicationName, ...options })
    opened.push(database)
    const ports = { ...createPostgresStore(database), clock: new SystemClock(), ids: new UuidIds() }
    return { ...ports, database, applicationName }
  }
  const stop = async () => {
    await Promise.all(opened.map((database) => database.close(1_000)))
    await admin.end({ timeout: 1 })
    await test.drop()
  }
  return { url: test.url, adminUrl: test.adminUrl, admin, start, stop }
}

export type Processes = Awaited<ReturnType<typeof postgresOfProcesses>>

/** Holds the row of a room locked until `release`. */
export async function lockRoom({ admin }: Processes, roomId: RoomId) {
  const reserved = await admin.reserve()
  await reserved`begin`
  await reserved`select 1 from rooms where id = ${roomId} for update`
  return {
    release: async () => {
      await reserved`rollback`
      reserved.release()
    },
  }
}

export function assertUnavailable(error: unknown): void {
  assert.ok(error instanceof PortUnavailable, String(error))
  assert.ok(error.retryAfterMs > 0)
}

/** What the tables say about a room, past all adapters: as many events and messages as there are seqs, each once. */
export async function auditRoom({ admin }: Processes, store: Store, roomId: RoomId): Promise<number> {
  const log = await gaplessLog(store, roomId)
  const [row] = await admin<
    { head: number; events: number; seqs: number; lowest: number; highest: number; doubled: number }[]
  >`
    select r.head::int,
      (select count(*)::int from room_events e where e.room_id = r.id) as events,
      (select count(distinct seq)::int from room_events e where e.room_id = r.id) as seqs,
      (select min(seq)::int from room_events e where e.room_id = r.id) as lowest,
      (select max(seq)::int from room_events e where e.room_id = r.id) as highest,
      (select count(*)::int - count(distinct (sender_id, client_message_id))::int
        from messages m where m.room_id = r.id) as doubled
    from rooms r where r.id = ${roomId}`
  const { length } = log
  const each = { head: length, events: length, seqs: length }
  assert.deepEqual(row, { ...each, lowest: 1, highest: length, doubled: 0 })
  return length
}
