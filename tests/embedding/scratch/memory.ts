import 'parley/testing'
import { AlwaysDeliver } from 'parley/adapters/mediator'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  MemoryPasswords,
  MemoryPresence,
  MemoryRateLimit,
  MemorySessions,
  MemoryTokens,
  memoryRepos,
} from 'parley/adapters/memory'
import { talk } from './talk.js'

const clock = new MemoryClock({ followsWallClock: true })
const database = new MemoryDatabase()
const limits = new MemoryRateLimit(clock)
await talk({
  ...memoryRepos(database),
  sessions: new MemorySessions((loginId) => database.hasEnded(loginId)),
  presence: new MemoryPresence(clock),
  cache: new MemoryCache(clock),
  limits,
  localLimits: limits,
  bus: new MemoryBusHub(clock).endpoint(),
  mediator: new AlwaysDeliver(),
  notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
  passwords: new MemoryPasswords(),
  tokens: new MemoryTokens(clock),
  clock,
  ids: new MemoryIds(clock),
})
