import { AlwaysDeliver } from 'parley/adapters/mediator'
import {
  MemoryCache,
  MemoryClock,
  MemoryIds,
  MemoryPasswords,
  MemoryRateLimit,
  MemoryTokens,
} from 'parley/adapters/memory'
import {
  createPostgresStore,
  openDatabase,
  PostgresBus,
  PostgresPresence,
  PostgresRateLimit,
  PostgresSessions,
  SearchIndexer,
} from 'parley/adapters/postgres'
import { talk } from './talk.js'

const { EMBEDDER_DATABASE_URL: url } = process.env
if (url === undefined) throw new Error('EMBEDDER_DATABASE_URL is not set')

const clock = new MemoryClock({ startMs: Date.now(), followsWallClock: true })
const database = openDatabase({ url })
const store = createPostgresStore(database)
const searchIndexer = new SearchIndexer(database, store.log)
searchIndexer.start()
const bus = new PostgresBus(database)
await talk({
  ...store,
  sessions: new PostgresSessions(database),
  presence: new PostgresPresence(database),
  cache: new MemoryCache(clock),
  limits: new PostgresRateLimit(database),
  localLimits: new MemoryRateLimit(clock),
  bus,
  mediator: new AlwaysDeliver(),
  notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
  passwords: new MemoryPasswords(),
  tokens: new MemoryTokens(clock),
  clock,
  ids: new MemoryIds(clock),
})
await bus.close()
await searchIndexer.close()
await database.close()
