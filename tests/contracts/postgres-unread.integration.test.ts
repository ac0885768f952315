import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresStore, type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../adapters/system/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { accepted, change, draftOf, join, openRoom, type Person, type Store, signUp } from './store.js'

const MESSAGES = 50_000
const A_WRITE = 5_000
const MEMBERS = 150

let test: TestDatabase
let database: Database
let store: Store

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.sqlUrlDirect)
  database = openDatabase({ url: test.url })
  store = { ...createPostgresStore(database), clock: new SystemClock(), ids: new UuidIds() }
})
afterAll(async () => {
  await database?.close()
  await test?.drop()
})

describe('the unread counts of a room in which much is unread', () => {
  it('take less than a second for all of its members together', async () => {
    const owner = await signUp(store, 'Olive')
    const { id: roomId } = await openRoom(store, owner)
    const members: Person[] = []
    for (let i = 0; i < MEMBERS; i += 1) {
      const member = await signUp(store, `Max ${i}`)
      await join(store, roomId, member)
      members.push(member)
    }
    for (let sent = 0; sent < MESSAGES; sent += A_WRITE) {
      const drafts = Array.from({ length: A_WRITE }, (_, i) => draftOf(store, roomId, owner.user.id, `${i}`))
      const value = drafts.map((draft) => ({ type: 'message.sent', draft }) as const)
      accepted(await change(store, roomId, owner.actor, { make: () => ({ ok: true, value }) }))
    }
    const everyone = members.map(({ user }) => ({ roomId, userId: user.id }))
    await store.rooms.standings(everyone.slice(0, 1))
    const start = performance.now()
    const standings = await store.rooms.standings(everyone)
    const tookMs = performance.now() - start
    assert.equal(standings.length, MEMBERS)
    for (const { unread } of standings) expect(unread).toBe(MESSAGES)
    expect(tookMs).toBeLessThan(1_000)
  }, 120_000)
})
