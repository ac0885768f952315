import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  createPostgresStore,
  type Database,
  migrate,
  openDatabase,
  SearchIndexer,
} from '../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../adapters/system/index.js'
import type { RoomId } from '../../core/domain/ids.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { eventually } from './eventually.js'
import { messageRepoContract } from './message-repo.contract.js'
import type { Store } from './store.js'

let test: TestDatabase
let database: Database
let store: Store

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.sqlUrlDirect)
  database = openDatabase({ url: test.url })
  store = { ...createPostgresStore(database), clock: new SystemClock(), ids: new UuidIds() }
})
afterAll(async () => {
  await database?.close()
  await test?.drop()
})

function startIndexer(): SearchIndexer {
  const indexer = new SearchIndexer(database, store.log, { delayMs: 1 })
  indexer.start()
  return indexer
}

const untilIndexed = (roomId: RoomId) =>
  eventually('the room to be indexed', async () => {
    const missing = await database.sql`
      select m.id from messages m left join search_heads h on h.room_id = m.room_id
      where m.room_id = ${roomId} and m.seq > coalesce(h.seq, 0)`
    return missing.length === 0
  })

async function indexAll(roomId: RoomId): Promise<void> {
  const indexer = startIndexer()
  await untilIndexed(roomId)
  await indexer.close()
}

/** As an index that has come half the way. */
async function forgetNewestHalf(roomId: RoomId): Promise<void> {
  await database.sql.begin(async (tx) => {
    const [head] = await tx`
      update search_heads h set seq = (
        select percentile_disc(0.5) within group (order by m.seq) from messages m where m.room_id = h.room_id
      ) where h.room_id = ${roomId} returning seq`
    await tx`delete from message_words where room_id = ${roomId} and seq > ${head?.seq ?? 0}`
  })
}

/** The same store, which brings the index into some state before each search. */
const searchingAfter = (prepare: (roomId: RoomId) => Promise<void>): Store => ({
  ...store,
  messages: {
    find: (id) => store.messages.find(id),
    page: (roomId, window) => store.messages.page(roomId, window),
    around: (id, limit) => store.messages.around(id, limit),
    versions: (id) => store.messages.versions(id),
    search: async (roomId, ...query) => {
      await prepare(roomId)
      return store.messages.search(roomId, ...query)
    },
  },
})

// The contracts of the repositories run with nothing indexed at all.
describe('Postgres: MessageRepoPort, while messages are being indexed', () => {
  let indexer: SearchIndexer
  beforeAll(() => {
    indexer = startIndexer()
  })
  afterAll(() => indexer?.close())
  it.each(Object.entries(messageRepoContract))('%s', (_behaviour, verify) => verify(store))
})

describe('Postgres: MessageRepoPort, with all messages indexed', () => {
  it.each(Object.entries(messageRepoContract))('%s', (_behaviour, verify) => verify(searchingAfter(indexAll)))
})

describe('Postgres: MessageRepoPort, with the older half of a room indexed', () => {
  it.each(Object.entries(messageRepoContract))('%s', (_behaviour, verify) =>
    verify(
      searchingAfter(async (roomId) => {
        await indexAll(roomId)
        await forgetNewestHalf(roomId)
      }),
    ),
  )
})
