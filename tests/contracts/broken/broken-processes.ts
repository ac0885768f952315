import {
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  memoryRepos,
  seededRandom,
} from '../../../adapters/memory/index.js'
import type { RoomLogPort } from '../../../core/ports/room-log-port.js'
import type { Store } from '../store.js'
import type { ProcessesFixture } from '../store-processes.contract.js'
import { brokenBy } from './broken-by.js'

function startOn(database: MemoryDatabase, seed: number): Store {
  const clock = new MemoryClock()
  return { ...memoryRepos(database), clock, ids: new MemoryIds(clock, seededRandom(seed)) }
}

/** Each process has a database of its own. */
export const strangers = (): ProcessesFixture => ({
  first: startOn(new MemoryDatabase(), 1),
  second: startOn(new MemoryDatabase(), 2),
})

/** Each is told of the other's commits as of its own. */
export function gossips(): ProcessesFixture {
  const database = new MemoryDatabase()
  const first = startOn(database, 1)
  return { first, second: { ...startOn(database, 2), log: first.log } }
}

/** The first process goes on believing in a login that it has once seen alive. */
export function believers(): ProcessesFixture {
  const database = new MemoryDatabase()
  const first = startOn(database, 1)
  const seen = new Set<string | null>()
  const write: RoomLogPort['write'] = (asked) =>
    first.log.write({
      ...asked,
      decide: (facts) => {
        const { loginId } = asked.actor
        if (facts.loginIsLive) seen.add(loginId)
        return asked.decide({ ...facts, loginIsLive: seen.has(loginId) })
      },
    })
  return { first: { ...first, log: brokenBy(first.log, { write }) }, second: startOn(database, 2) }
}
