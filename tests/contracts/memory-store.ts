import { MemoryClock, MemoryDatabase, MemoryIds, memoryRepos } from '../../adapters/memory/index.js'
import type { Store } from './store.js'

/** A new, empty store in memory whose time stands still. */
export function makeMemoryStore(): Store {
  const clock = new MemoryClock()
  return { ...memoryRepos(new MemoryDatabase()), clock, ids: new MemoryIds(clock) }
}
