import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import {
  createPostgresStore,
  type Database,
  migrate,
  openDatabase,
} from '../../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../../adapters/system/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { edit, gaplessLog, openRoomOfThree, type Store, send, setRole } from '../../contracts/store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { eventually } from '../../support/postgres-cluster.js'
import { appendAsBefore, copyMigrations, inSchemaBefore, sayAsBefore } from './version-before.js'

let database: TestDatabase
let sql: postgres.Sql
let own: Database
let store: Store

beforeEach(async () => {
  database = await testDatabase()
  sql = postgres(database.url, { max: 4, onnotice: () => {} })
  own = openDatabase({ url: database.url })
  store = { ...createPostgresStore(own), clock: new SystemClock(), ids: new UuidIds() }
})
afterEach(async () => {
  await own.close()
  await sql.end({ timeout: 1 })
  await database.drop()
})

/** What is said in a room, as its log tells it: of each event the type, of a message sent the text. */
async function told(roomId: RoomId): Promise<string[]> {
  const log = await gaplessLog(store, roomId)
  return log.map((event) => (event.type === 'message.sent' ? event.data.message.text : event.type))
}

const changes = async (roomId: RoomId) =>
  (
    await sql<{ seq: number }[]>`select seq::int from room_changes where room_id = ${roomId} order by seq`
  ).map(({ seq }) => seq)

const JOINED = ['member.joined', 'member.joined', 'member.joined']

describe('the event of a sent message', () => {
  beforeEach(() => migrate(database.url))

  it('is the row of the message, whichever way it is stored', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const first = await send(store, roomId, owner, 'the long way')
    await send(store, roomId, owner, 'the short way')
    await edit(store, owner.actor, first, 'the long way round')
    await setRole(store, roomId, owner.actor, member, 'moderator')
    assert.deepEqual(await told(roomId), [
      ...JOINED,
      'the long way round',
      'the short way',
      'message.edited',
      'member.changed',
    ])
    assert.deepEqual(await changes(roomId), [1, 2, 3, 6, 7])
  })

  it('comes from its index: of a long room no more rows are read than a page has', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sql`
      insert into messages (
        id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
        ordinal, sender_ordinal, opens_block
      )
      select gen_random_uuid(), ${roomId}, n, ${owner.user.id}, n, 'digest', 'off', 'text', 1, n, n, false
      from generate_series(4, 20000) as n where n % 20 > 0`
    await sql`
      insert into room_changes (room_id, seq, type, actor_id, at_ms, facts)
      select ${roomId}, n, 'room.updated', ${owner.user.id}, 1, '{}' from generate_series(20, 20000, 20) as n`
    const session = await sql.reserve()
    await session`set plan_cache_mode = force_generic_plan`
    await session.unsafe(`prepare page (uuid, bigint, bigint) as
      select * from room_events where room_id = $1 and seq > $2 order by seq limit $3`)
    type Plan = { 'Node Type': string; 'Actual Rows': number; Plans?: Plan[] }
    const [row] = await session.unsafe<{ 'QUERY PLAN': { Plan: Plan }[] }[]>(
      `explain (analyze, format json) execute page ('${roomId}', 10000, 500)`,
    )
    session.release()
    const scans = (plan: Plan): Plan[] =>
      plan.Plans === undefined ? [plan] : plan.Plans.flatMap((each) => scans(each))
    const found = scans(row?.['QUERY PLAN'][0]?.Plan ?? assert.fail())
    assert.deepEqual(
      found.map((scan) => scan['Node Type']),
      ['Index Scan', 'Index Scan'],
    )
    const read = found.reduce((sum, scan) => sum + scan['Actual Rows'], 0)
    // The next of each of both is looked at to know which comes first.
    assert.ok(read >= 500 && read <= 501, `${read} rows`)
  })
})

describe('the migration that takes the events of sent messages out of the log (007)', () => {
  let directory: string

  beforeAll(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'migrations-')), 'migrations')
    await copyMigrations(directory, 6)
  })
  afterAll(() => rm(join(directory, '..'), { recursive: true, force: true }))
  beforeEach(() => migrate(database.url, { directory }))

  it('keeps the log as it was, and lets processes of versions before go on', async () => {
    const { roomId, owner } = await inSchemaBefore(sql, () => openRoomOfThree(store))
    await sayAsBefore(sql, roomId, owner, ['one', 'two'])
    await appendAsBefore(sql, roomId, owner, { text: 'three', version: 6 })
    // Its statement is prepared for the table, and goes on with the view.
    assert.deepEqual(await told(roomId), [...JOINED, 'one', 'two', 'three'])
    const before = [...(await sql`select * from room_events order by seq`)]
    await migrate(database.url)
    assert.deepEqual([...(await sql`select * from room_events order by seq`)], before)

    await sayAsBefore(sql, roomId, owner, ['four'])
    await appendAsBefore(sql, roomId, owner, { text: 'five', version: 4 })
    await appendAsBefore(sql, roomId, owner, { text: 'six', version: 6 })
    await sql`update rooms set head = 10, name = 'New' where id = ${roomId}`
    await sql`
      insert into room_events (room_id, seq, type, actor_id, at_ms, facts)
      values (${roomId}, 10, 'room.updated', ${owner.user.id}, 1, '{}')`
    await send(store, roomId, owner, 'seven')
    assert.deepEqual(await told(roomId), [
      ...JOINED,
      ...['one', 'two', 'three', 'four', 'five', 'six'],
      'room.updated',
      'seven',
    ])
    assert.deepEqual(await changes(roomId), [1, 2, 3, 10])
  })

  it('loses and doubles nothing of what is being sent meanwhile', async () => {
    const rooms = await inSchemaBefore(sql, () => Promise.all([1, 2, 3].map(() => openRoomOfThree(store))))
    const [early, late, latest] = rooms
    if (early === undefined || late === undefined || latest === undefined) assert.fail()
    const [writer, waiter] = [await sql.reserve(), await sql.reserve()]
    const waiting = async () =>
      (await sql`select from pg_locks where relation = 'room_events'::regclass and not granted`).length
    await writer`begin`
    await sayAsBefore(writer, early.roomId, early.owner, ['written, not committed'])
    const migrating = migrate(database.url)
    await eventually('the migration waits', async () => (await waiting()) === 1)
    await waiter`begin`
    const saying = sayAsBefore(waiter, late.roomId, late.owner, ['begun in the old log'])
    const appending = appendAsBefore(sql, latest.roomId, latest.owner, {
      text: 'by the old function',
      version: 6,
    })
    await eventually('the other writers wait behind it', async () => (await waiting()) === 3)
    await writer`commit`
    await migrating
    await saying
    await waiter`commit`
    await appending
    for (const session of [writer, waiter]) session.release()
    assert.deepEqual(await told(early.roomId), [...JOINED, 'written, not committed'])
    assert.deepEqual(await told(late.roomId), [...JOINED, 'begun in the old log'])
    assert.deepEqual(await told(latest.roomId), [...JOINED, 'by the old function'])
    for (const { roomId } of rooms) assert.deepEqual(await changes(roomId), [1, 2, 3])
  })

  it('changes nothing where a message and its event do not tell the same', async () => {
    const { roomId, owner } = await inSchemaBefore(sql, () => openRoomOfThree(store))
    await sayAsBefore(sql, roomId, owner, ['one', 'two'])
    await sql`update room_events set at_ms = 2 where seq = 5`
    await assert.rejects(migrate(database.url), ({ cause }) => /differ/.test(String(cause)))
    await sql`update room_events set at_ms = 1 where seq = 5`
    await migrate(database.url)
    assert.deepEqual(await told(roomId), [...JOINED, 'one', 'two'])
  })
})
