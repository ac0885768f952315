import { describe, it } from 'vitest'
import {
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  memoryRepos,
  seededRandom,
} from '../../adapters/memory/index.js'
import { makeMemoryStore } from './memory-store.js'
import { storeContracts } from './store-contracts.js'
import { storeProcessesContract } from './store-processes.contract.js'

describe.each(Object.entries(storeContracts))('memory: %s', (_port, contract) => {
  it.each(Object.entries(contract))('%s', (_behaviour, verify) => verify(makeMemoryStore()))
})

function makeProcesses() {
  const database = new MemoryDatabase()
  const clock = new MemoryClock()
  const start = (seed: number) => ({
    ...memoryRepos(database),
    clock,
    ids: new MemoryIds(clock, seededRandom(seed)),
  })
  return { first: start(1), second: start(2) }
}

describe('memory: several processes on one database', () => {
  it.each(Object.entries(storeProcessesContract))('%s', (_behaviour, verify) => verify(makeProcesses()))
})
