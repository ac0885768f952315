import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insertLogin } from '../../adapters/postgres/account-rows.js'
import { createPostgresStore, type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../adapters/system/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { newDigest, newLogin, type Person, type Store, signUp } from './store.js'

let test: TestDatabase
let database: Database
let store: Store

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.url)
  database = openDatabase({ url: test.url, poolSize: 4 })
  store = { ...createPostgresStore(database), clock: new SystemClock(), ids: new UuidIds() }
})

afterAll(async () => {
  await database?.close()
  await test?.drop()
})

/** Calls `endAll` while a login is being opened, lets it commit, and answers which logins are left. */
async function racingWithAnOpeningLogin(person: Person, endAll: () => Promise<unknown>) {
  let ending: Promise<unknown> | undefined
  await database.transaction('test', async (tx) => {
    await insertLogin(tx, { login: newLogin(store, person.user.id), refreshDigest: newDigest() })
    ending = endAll()
    await sleep(300)
  })
  await ending
  return store.logins.list(person.user.id, store.clock.nowMs())
}

describe('PostgresAccounts', () => {
  it('ends a login too that was being opened while the password was set', async () => {
    const person = await signUp(store, 'Nora')
    const setPassword = () =>
      store.accounts.setPassword({ ...person.actor, loginId: null }, 'hash 2', store.clock.nowMs())
    expect(await racingWithAnOpeningLogin(person, setPassword)).toEqual([])
  })

  it('ends a login too that was being opened while the account was disabled', async () => {
    const person = await signUp(store, 'Nora')
    const disable = () => store.accounts.setDisabled(person.user.id, true, store.clock.nowMs())
    expect(await racingWithAnOpeningLogin(person, disable)).toEqual([])
  })
})
