import type { Database } from './database.js'

/** Advisory lock that every transaction of the room log holds shared while it may still append. */
export const WRITE_BARRIER = 7_310_001

/**
 * Resolves when every transaction of the room log that was under way has ended, in all processes. One that begins later
 * sees what was committed before this was called.
 */
export async function waitForWrites(database: Database, port: string): Promise<void> {
  await database.call(port, (sql) => sql`select pg_advisory_xact_lock(${WRITE_BARRIER}::bigint)`)
}
