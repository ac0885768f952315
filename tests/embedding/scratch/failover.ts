import { createInterface } from 'node:readline'
import { createParley } from 'parley'
import {
  FailoverBus,
  FailoverCache,
  FailoverPresence,
  FailoverRateLimit,
  FailoverSessions,
} from 'parley/adapters/failover'
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
} from 'parley/adapters/postgres'
import {
  RedisBus,
  RedisCache,
  RedisConnection,
  RedisPresence,
  RedisRateLimit,
  RedisSessions,
} from 'parley/adapters/redis'
import { accepted, signUp } from './talk.js'

const { EMBEDDER_DATABASE_URL: url, EMBEDDER_REDIS_URL: redisUrl } = process.env
if (url === undefined || redisUrl === undefined) throw new Error('EMBEDDER_*_URL are not set')

const clock = new MemoryClock({ startMs: Date.now(), followsWallClock: true })
const database = openDatabase({ url })
const redis = new RedisConnection({ url: redisUrl, clock })
await redis.start()
const { health } = redis

const postgresBus = new PostgresBus(database)
const redisBus = new RedisBus(redis)
const bus = new FailoverBus(redisBus, postgresBus, health)
const presence = new FailoverPresence(
  { primary: new RedisPresence(redis), fallback: new PostgresPresence(database) },
  health,
)
const cache = new FailoverCache(new RedisCache(redis), new MemoryCache(clock), health)
const limits = new FailoverRateLimit(
  new RedisRateLimit(redis),
  {
    local: new MemoryRateLimit(clock),
    processes: () => 1,
    shared: new PostgresRateLimit(database),
    isGuarded: () => true,
  },
  health,
)
const sessions = new FailoverSessions(
  new RedisSessions(redis, (loginId) => parley.loginFeed.hasEnded(loginId)),
  new PostgresSessions(database),
  health,
  clock,
)
const parley = createParley({
  ...createPostgresStore(database),
  sessions,
  presence,
  cache,
  limits,
  localLimits: new MemoryRateLimit(clock),
  bus,
  mediator: new AlwaysDeliver(),
  notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
  passwords: new MemoryPasswords(),
  tokens: new MemoryTokens(clock),
  clock,
  ids: new MemoryIds(clock),
})
await parley.start()

const ada = await signUp(parley, 'Ada')
const room = accepted(await parley.createRoom.execute(ada, { name: 'Kitchen' }))
await parley.roomFeed.track(room.id)
accepted(await parley.registerUser.execute(ada, { socketId: 'ada-1' }))

/** Each line that comes is sent; what the room then holds, and who says that Redis is used, goes back as one line. */
for await (const text of createInterface({ input: process.stdin })) {
  const startedMs = performance.now()
  accepted(await parley.sendMessage.execute(ada, { roomId: room.id, clientMessageId: text, text }))
  const { messages } = accepted(await parley.listMessages.execute(ada, { roomId: room.id }))
  const found = accepted(await parley.findUserBySocket.execute({ socketId: 'ada-1' }))
  const told = {
    texts: messages.map((message) => message.text),
    isFound: found.userId === ada.userId,
    states: [bus, presence, cache, limits, sessions].map((adapter) => adapter.state().state),
    tookMs: performance.now() - startedMs,
  }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}

parley.stop()
await presence.leave()
bus.close()
await Promise.all([redisBus.close(), postgresBus.close()])
redis.close()
await database.close()
