import type { Sql } from './connection.js'
import { type Database, IDLE_IN_TRANSACTION_MS } from './database.js'
import { occasionally } from './occasionally.js'

/** Advisory lock that a transaction that writes for an actor holds, shared, from before it reads their login until it ends. */
export const WRITE_BARRIER = 7_310_001
const LOOK_EVERY_MS = 500

/**
 * For those who wait for locks of others, to be called again and again meanwhile. It ends transactions that hold rooms, search heads
 * or the barrier and are silent in the middle of a statement: postgres.js has a statement described before a connection runs it for the
 * first time, and a process that is stopped just then keeps its locks for as long as it stands. The database itself ends those that
 * are silent between two statements, and no others.
 */
export const endingSilentTransactions = (database: Database, port: string): (() => void) =>
  occasionally(LOOK_EVERY_MS, () => database.call(port, endSilentTransactions, { first: true }))

const endSilentTransactions = (sql: Sql) => sql`
  select pg_terminate_backend(a.pid) from pg_stat_activity a
  where a.datname = current_database() and a.usename = current_user
    and a.state = 'active' and a.wait_event = 'ClientRead'
    and a.state_change < clock_timestamp() - ${IDLE_IN_TRANSACTION_MS}::float8 * interval '1 ms'
    and exists (
      select from pg_locks l where l.pid = a.pid and l.granted and (
        l.relation in ('rooms'::regclass, 'search_heads'::regclass) and l.mode in ('RowShareLock', 'RowExclusiveLock')
        or l.locktype = 'advisory' and l.classid = 0 and l.objid = ${WRITE_BARRIER}::bigint::oid and l.objsubid = 1
      )
    )`
