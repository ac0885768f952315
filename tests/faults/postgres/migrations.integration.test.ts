import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { createPostgresStore, isMigrated, migrate, openDatabase } from '../../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../../adapters/system/index.js'
import { edit, openRoom, openRoomOfThree, send } from '../../contracts/store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { copyMigrations, inSchemaBefore, OWN_MIGRATIONS, sayAsBefore, versionsOf } from './version-before.js'

/** The versions of a database that is up to date, and of the file after the last. */
const applied = [0, ...versionsOf(OWN_MIGRATIONS)].sort((a, b) => a - b)
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
    await copyMigrations(directory)
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

  it('runs each file once where four processes start at once (fault P10)', async () => {
    await Promise.all([1, 2, 3, 4].map(() => migrate(database.url)))
    assert.deepEqual(await versions(), applied)
    const own = openDatabase({ url: database.url })
    assert.equal(await isMigrated(own), true)
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
    assert.equal(await isMigrated(own, directory), false)
    await own.close()
  })
  it('takes what was said before search had an index of its own into that', async () => {
    await copyMigrations(directory, 4)
    await migrate(database.url, { directory })
    const own = openDatabase({ url: database.url })
    const store = { ...createPostgresStore(own), clock: new SystemClock(), ids: new UuidIds() }
    const { roomId, owner } = await inSchemaBefore(sql, async () => {
      const room = await openRoomOfThree(store)
      await openRoom(store, room.owner)
      return room
    })
    await sayAsBefore(sql, roomId, owner, ['red apple', 'green apple', 'red cherry'])
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
