import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { Transaction } from './connection.js'
import type { Database } from './database.js'
import { endingSilentTransactions, WRITE_BARRIER } from './silent-transactions.js'

const POLL_MS = 5
/** Longer than a transaction may stand still (`idle_in_transaction_session_timeout`) before the server ends it. */
const PATIENCE_MS = 6_000

/** What is committed before a transaction passes here is seen by the statements after it, or waits for its end below. */
export const passBarrier = (tx: Transaction) =>
  tx`select pg_advisory_xact_lock_shared(${WRITE_BARRIER}::bigint)`

/**
 * Resolves when every transaction that writes for an actor and may not have seen what this process committed has ended, in all
 * processes. It looks instead of asking for the lock, behind which all later writes of every room would have to queue.
 */
export async function waitForWrites(database: Database, port: string): Promise<void> {
  const expiresAt = performance.now() + PATIENCE_MS
  const endSilentTransactions = endingSilentTransactions(database, port)
  let holders = await holdersOf(database, port, null)
  while (holders.length > 0) {
    if (performance.now() >= expiresAt)
      throw new PortUnavailable(port, new Error('A write that was under way does not end'))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    endSilentTransactions()
    holders = await holdersOf(database, port, holders)
  }
}

/** Which transactions hold the lock, among `known` where that is given. */
async function holdersOf(
  database: Database,
  port: string,
  known: readonly string[] | null,
): Promise<readonly string[]> {
  const rows = await database.call(
    port,
    (sql) => sql<{ holder: string }[]>`
      select virtualtransaction as holder from pg_locks
      where locktype = 'advisory' and objsubid = 1
        and database = (select oid from pg_database where datname = current_database())
        and classid = 0 and objid = ${WRITE_BARRIER}::bigint::oid
        and (${known === null} or virtualtransaction = any(${known === null ? [] : [...known]}::text[]))`,
  )
  return rows.map((row) => row.holder)
}
