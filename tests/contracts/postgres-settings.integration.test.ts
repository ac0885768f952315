import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, migrate, openDatabase, PostgresSettingsRepo } from '../../adapters/postgres/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

describe('PostgresSettingsRepo', () => {
  let testDb: TestDatabase
  let database: Database
  let settings: PostgresSettingsRepo

  beforeAll(async () => {
    testDb = await testDatabase()
    await migrate(testDb.sqlUrlDirect)
    database = openDatabase({ url: testDb.url })
    settings = new PostgresSettingsRepo(database)
  })

  afterAll(async () => {
    await database?.close()
    await testDb?.drop()
  })

  beforeEach(async () => {
    await database.sql`truncate settings`
  })

  const stored = async () => (await database.sql`select lifetimes from settings`)[0]?.lifetimes

  it('has nothing before the first change', async () => {
    expect(await settings.read()).toEqual({ version: 0, lifetimes: {} })
    await settings.change({ lifetimes: { memberMs: null } })
    expect(await settings.read()).toEqual({ version: 1, lifetimes: {} })
    expect(await stored()).toEqual({})
  })

  it('keeps nothing of what was taken back', async () => {
    await settings.change({ lifetimes: { memberMs: 3_000, messagesMs: 4_000 } })
    await settings.change({ lifetimes: { memberMs: null } })
    expect(await stored()).toEqual({ messagesMs: 4_000 })
  })

  it('loses none of the first changes made at once', async () => {
    const patches = [{ sessionMs: 2_000 }, { memberMs: 3_000 }, { messagesMs: 4_000 }]
    await Promise.all(patches.map((lifetimes) => settings.change({ lifetimes })))
    const lifetimes = { sessionMs: 2_000, memberMs: 3_000, messagesMs: 4_000 }
    expect(await settings.read()).toEqual({ version: 3, lifetimes })
  })

  it('passes over what is not of this version, or of no use, and leaves it be', async () => {
    const foreign = { ofLaterMs: 9_000, sessionMs: '5000', memberMs: -1 }
    await database.sql`
      insert into settings (version, lifetimes) values (7, ${JSON.stringify(foreign)}::text::jsonb)`
    expect(await settings.read()).toEqual({ version: 7, lifetimes: {} })
    const changed = await settings.change({ lifetimes: { messagesMs: 4_000 } })
    expect(changed).toEqual({ version: 8, lifetimes: { messagesMs: 4_000 } })
    expect(await stored()).toEqual({ ...foreign, messagesMs: 4_000 })
  })
})
