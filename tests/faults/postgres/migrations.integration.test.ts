import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { createPostgresStore, isMigrated, migrate, openDatabase } from '../../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../../adapters/system/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { edit, openRoom, openRoomOfThree, type Person, send } from '../../contracts/store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const OWN = fileURLToPath(new URL('../../../adapters/postgres/migrations', import.meta.url))
/** The versions of a database that is up to date, and of the file after the last. */
const applied = [0, ...readdirSync(OWN).map((name) => Number.parseInt(name, 10))].sort((a, b) => a - b)
const NEXT = applied.length
const fileName = (name: string) => `${String(NEXT).padStart(3, '0')}.do.${name}.sql`

describe('migrate', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let directory: string

  beforeAll(async () => {
    // A name with characters that mean something in a glob.
    directory = join(await mkdtemp(join(tmpdir(), 'migrations-')), '[a] (copy)')
  })
  beforeEach(async () => {
    database = await testDatabase()
    sql = postgres(database.url, { max: 1, onnotice: () => {} })
    await rm(directory, { recursive: true, force: true })
    await cp(OWN, directory, { recursive: true })
  })
  afterEach(async () => {
    await sql.end({ timeout: 1 })
    await database.drop()
  })
  afterAll(() => rm(join(directory, '..'), { recursive: true, force: true }))

  const versions = async () =>
    (await sql<{ version: number }[]>`select version::int from parley_schema_version order by version`).map(
      (row) => row.version,
    )

  const sayInFourthSchema = async (roomId: RoomId, { user, actor }: Person, texts: readonly string[]) => {
    const ids = new UuidIds()
    for (const [index, text] of texts.entries()) {
      const [room] = await sql<{ head: number }[]>`
        update rooms set head = head + 1, messages_head = head + 1 where id = ${roomId} returning head::int`
      const id = ids.next()
      const seq = room?.head ?? assert.fail()
      await sql`
        insert into messages (
          id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
          ordinal, sender_ordinal
        ) values (${id}, ${roomId}, ${seq}, ${user.id}, ${text}, 'digest', 'off', ${text}, 1, ${index + 1}, ${index + 1})`
      await sql`
        insert into room_events (room_id, seq, type, actor_id, at_ms, facts)
        values (${roomId}, ${seq}, 'message.sent', ${actor.userId}, 1, ${sql.json({ messageId: id })})`
    }
  }

  it('runs each file once where four processes start at once (fault P10)', async () => {
    await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)))
    assert.deepEqual(await versions(), applied)
    const own = openDatabase({ url: database.url })
    assert.equal(await isMigrated(own.sql), true)
    await own.close()
  })

  it('refuses where a file that was applied has changed', async () => {
    await migrate(database.url, { directory })
    await writeFile(join(directory, '002.do.rooms.sql'), '-- nothing')
    await assert.rejects(migrate(database.url, { directory }), /checksum/i)
  })

  it('leaves nothing of a file that fails, and keeps those before it', async () => {
    await writeFile(join(directory, fileName('wrong')), 'create table half (id int); select 1 / 0;')
    await assert.rejects(migrate(database.url, { directory }))
    assert.deepEqual(await versions(), applied)
    const [row] = await sql`select to_regclass('half') as half`
    assert.deepEqual(row, { half: null })
  })

  it('leaves a newer schema as it is (fault P10)', async () => {
    await writeFile(join(directory, fileName('newer')), 'create table newer (id int);')
    await migrate(database.url, { directory })
    await migrate(database.url)
    assert.deepEqual(await versions(), [...applied, NEXT])
  })

  it('tells a schema that is behind', async () => {
    await migrate(database.url, { directory })
    await writeFile(join(directory, fileName('newer')), 'create table newer (id int);')
    const own = openDatabase({ url: database.url })
    assert.equal(await isMigrated(own.sql, directory), false)
    await own.close()
  })
  it('takes what was said before search had an index of its own into that', async () => {
    for (const later of ['005.do.search_index.sql', '006.do.sender_blocks.sql'])
      await rm(join(directory, later))
    await migrate(database.url, { directory })
    const own = openDatabase({ url: database.url })
    const store = { ...createPostgresStore(own), clock: new SystemClock(), ids: new UuidIds() }
    const { roomId, owner } = await openRoomOfThree(store)
    await openRoom(store, owner)
    await sayInFourthSchema(roomId, owner, ['red apple', 'green apple', 'red cherry'])
    await sql`update messages set text = '', deleted_at_ms = 1 where text = 'green apple'`
    await migrate(database.url)
    const { messages } = await store.messages.page(roomId, { before: null, after: null, limit: 10 })
    const [first, , last] = messages
    const indexed = await sql<{ seq: number }[]>`select seq::int from message_words order by seq`
    assert.deepEqual(
      indexed.map(({ seq }) => seq),
      [first?.seq, last?.seq],
    )
    assert.deepEqual(
      [...(await sql`select room_id, seq::int from search_heads`)],
      [{ room_id: roomId, seq: last?.seq }],
    )
    await edit(store, owner.actor, first ?? assert.fail(), 'red plum')
    await send(store, roomId, owner, 'red apple')
    const found = async (word: string) =>
      (await store.messages.search(roomId, word, null, 10)).messages.map(({ text }) => text)
    assert.deepEqual(await found('apple'), ['red apple'])
    assert.deepEqual(await found('red'), ['red apple', 'red cherry', 'red plum'])
    await own.close()
  })
})
