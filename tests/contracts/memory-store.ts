import { MemoryClock, MemoryDatabase, MemoryIds, memoryRepos } from '../../adapters/memory/index.js'
import type { Store } from './store.js'

/** A new, empty store in memory whose time stands still. */
export function makeMemoryStore(database = new MemoryDatabase()): Store {
  const clock = new MemoryClock()
  return { ...memoryRepos(database), clock, ids: new MemoryIds(clock) }
}
