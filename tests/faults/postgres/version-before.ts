import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type postgres from 'postgres'
import { UuidIds } from '../../../adapters/system/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import type { Person } from '../../contracts/store.js'

export const OWN_MIGRATIONS = fileURLToPath(new URL('../../../adapters/postgres/migrations', import.meta.url))
const versionOf = (name: string): number => Number.parseInt(name, 10)
export const versionsOf = (directory: string): number[] => readdirSync(directory).map(versionOf)

/** Puts the migrations up to a version into a directory. */
export async function copyMigrations(directory: string, last = Number.POSITIVE_INFINITY): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await cp(OWN_MIGRATIONS, directory, { recursive: true })
  for (const name of readdirSync(directory)) if (versionOf(name) > last) await rm(join(directory, name))
}

/** Lets the present code make people and rooms in a schema up to 006, where every event has a row in room_events. */
export async function inSchemaBefore<T>(sql: postgres.Sql, work: () => Promise<T>): Promise<T> {
  await sql`create view room_changes as select * from room_events`
  try {
    return await work()
  } finally {
    await sql`drop view room_changes`
  }
}

type Statements = postgres.Sql | postgres.ReservedSql

/** Sends as all versions before did the long way: an event and a message. */
export async function sayAsBefore(
  sql: Statements,
  roomId: RoomId,
  { user }: Person,
  texts: readonly string[],
): Promise<void> {
  for (const text of texts) {
    const [room] = await sql<{ head: number; before: number }[]>`
      update rooms set head = head + 1, messages_head = head + 1 where id = ${roomId}
      returning head::int, (select count(*)::int from messages where room_id = ${roomId}) as before`
    const { head: seq, before } = room ?? assert.fail('there is no such room')
    const id = new UuidIds().next()
    await sql`
      insert into room_events (room_id, seq, type, actor_id, at_ms, facts)
      values (${roomId}, ${seq}, 'message.sent', ${user.id}, 1, jsonb_build_object('messageId', ${id}::uuid))`
    await sql`
      insert into messages (
        id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
        ordinal, sender_ordinal
      ) values (${id}, ${roomId}, ${seq}, ${user.id}, ${text}, 'digest', 'off', ${text}, 1, ${before + 1}, ${before + 1})`
  }
}

/** Sends as version 004 or 006 did the short way, by their function. */
export async function appendAsBefore(
  sql: Statements,
  roomId: RoomId,
  { user, login }: Person,
  { text, version }: { readonly text: string; readonly version: 4 | 6 },
): Promise<void> {
  const [room] = await sql<{ head: number; before: number }[]>`
    select head::int, (select count(*)::int from messages where room_id = ${roomId}) as before
    from rooms where id = ${roomId}`
  const { head, before } = room ?? assert.fail('there is no such room')
  const blocks = version === 6 ? sql`, array[false]` : sql``
  const [row] = await sql<{ appended: string[] }[]>`
    select append_messages(
      array[${roomId}]::uuid[], array[${head}]::bigint[], array[${new UuidIds().next()}]::uuid[],
      array[${roomId}]::uuid[], array[${head + 1}]::bigint[], array[${user.id}]::uuid[], array[${login.id}]::uuid[],
      array[${text}], array['digest'], array['off'], array[${text}], array[1]::bigint[],
      array[${before + 1}]::bigint[], array[${before + 1}]::bigint[]${blocks}
    ) as appended`
  assert.deepEqual(row?.appended, [roomId])
}
