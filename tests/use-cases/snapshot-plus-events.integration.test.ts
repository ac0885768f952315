import { afterAll, beforeAll, describe, it } from 'vitest'
import { createPostgresStore, type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { UuidIds } from '../../adapters/system/index.js'
import { createTestSystem } from '../../apps/testing/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import type { StartSystem } from './room-world.js'
import { proveScenario } from './snapshot-proof.js'
import { proveCommits, proveReplay } from './snapshot-properties.js'
import { type Scenario, WRITING } from './writing-use-cases.js'

const BOUNDS = { commands: 25, runs: 8 }

let database: TestDatabase
let processes: readonly [Database, Database]

let deployments = 0

/** The use cases of the test system over the repositories of Postgres; whatever is `shared`, this is its second process. */
const startOnPostgres: StartSystem = (shared) => {
  deployments += 1
  const ports = { ...createPostgresStore(processes[shared === undefined ? 0 : 1]), ids: new UuidIds() }
  // All of them meet in one database, so each needs names and secrets of its own.
  const options = { limitFactor: 1_000, ports, seed: deployments }
  return createTestSystem(shared === undefined ? options : { ...options, shared })
}

beforeAll(async () => {
  database = await testDatabase()
  await migrate(database.sqlUrlDirect)
  processes = [openDatabase({ url: database.url }), openDatabase({ url: database.url })]
})

afterAll(async () => {
  await Promise.all((processes ?? []).map((each) => each.close()))
  await database?.drop()
})

describe('on Postgres, snapshot and events', () => {
  for (const [useCase, scenarios] of Object.entries<Record<string, Scenario>>(WRITING))
    it.each(Object.entries(scenarios))(
      `${useCase} causes events that lead from a snapshot to a fresh one: %s`,
      (_name, scenario) => proveScenario(scenario, startOnPostgres),
    )

  it('from every moment, the log as it reads at the end leads to the last snapshot', () =>
    proveReplay(startOnPostgres, BOUNDS))

  it('from the first moment, the events as they were committed lead to every later snapshot', () =>
    proveCommits(startOnPostgres, BOUNDS))
})
