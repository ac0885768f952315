import { describe, it } from 'vitest'
import { makeMemoryStore } from './memory-store.js'
import { storeContracts } from './store-contracts.js'

describe.each(Object.entries(storeContracts))('memory: %s', (_port, contract) => {
  it.each(Object.entries(contract))('%s', (_behaviour, verify) => verify(makeMemoryStore()))
})
