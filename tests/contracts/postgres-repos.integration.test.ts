import { afterAll, beforeAll, describe, it } from 'vitest'
import { createPostgresStore, type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../adapters/system/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import type { Store } from './store.js'
import { storeContracts } from './store-contracts.js'
import { storeProcessesContract } from './store-processes.contract.js'

let database: TestDatabase
const opened: Database[] = []
let first: Store
let second: Store

function startProcess(): Store {
  const own = openDatabase({ url: database.url })
  opened.push(own)
  return { ...createPostgresStore(own), clock: new SystemClock(), ids: new UuidIds() }
}

beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.sqlUrlDirect)
  first = startProcess()
  second = startProcess()
})

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()))
  await database?.drop()
})

describe.each(Object.entries(storeContracts))('Postgres: %s', (_port, contract) => {
  it.each(Object.entries(contract))('%s', (_behaviour, verify) => verify(first))
})

describe('Postgres: several processes on one database', () => {
  it.each(Object.entries(storeProcessesContract))('%s', (_behaviour, verify) => verify({ first, second }))
})
