import { randomUUID } from 'node:crypto'
import type { Database } from '../../adapters/postgres/database.js'

/** Stores a user with one login. */
export async function openTestLogin(database: Database) {
  const [userId, loginId] = [randomUUID(), randomUUID()]
  await database.call('test', async (sql) => {
    await sql`
      insert into users (id, email, email_key, display_name, mediation, password_hash, created_at_ms)
      values (${userId}, ${userId}, ${userId}, 'Ada', 'on', 'hash', 0)`
    await sql`
      insert into logins (id, user_id, created_at_ms, last_seen_at_ms, expires_at_ms)
      values (${loginId}, ${userId}, 0, 0, 0)`
  })
  return { userId, loginId }
}
