import { afterAll, beforeAll, expect, it } from 'vitest'
import { MemoryClock } from '../../adapters/memory/index.js'
import { createPostgresStore, type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { UuidIds } from '../../adapters/system/index.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { gaplessLog, join, openRoom, type Store, signUp } from './store.js'

let test: TestDatabase
let databases: readonly Database[]

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.url)
  databases = [1, 2].map(() => openDatabase({ url: test.url, poolSize: 5 }))
})

afterAll(async () => {
  await Promise.all((databases ?? []).map((database) => database.close()))
  await test?.drop()
})

/** The name of a member as a client knows it who has followed the events. */
function nameAfter(commits: readonly RoomCommit[], userId: string): string | null {
  let name: string | null = null
  for (const event of commits.flatMap(({ events }) => events).toSorted((a, b) => a.seq - b.seq)) {
    if (event.type === 'member.joined' && event.data.member.userId === userId)
      name = event.data.member.displayName
    if (event.type === 'member.changed' && event.data.userId === userId) name = event.data.displayName
  }
  return name
}

it('tells a new name to a room that was left out, when the same name is given again', async () => {
  const clock = new MemoryClock({ followsWallClock: true })
  const [database] = databases
  if (database === undefined) return expect.fail('a database')
  const store: Store = { ...createPostgresStore(database), clock, ids: new UuidIds() }
  const person = await signUp(store, 'Old name')
  const room = await openRoom(store, person)
  // As after a first step that had not seen the room and a second that failed.
  await database.sql`update users set display_name = 'New name' where id = ${person.user.id}`
  const rename = () => store.accounts.updateProfile(person.actor, { displayName: 'New name' }, clock.nowMs())
  for (let round = 0; round < 2; round += 1) {
    await rename()
    const [, ...changes] = await gaplessLog(store, room.id)
    expect(changes.map(({ type, data }) => [type, data])).toMatchObject([
      ['member.changed', { displayName: 'New name' }],
    ])
  }
})

it('tells a new name to rooms that are joined under the old one meanwhile, in another process', async () => {
  const clock = new MemoryClock({ followsWallClock: true })
  const ids = new UuidIds()
  const [here, there] = databases.map((database): Store => ({ ...createPostgresStore(database), clock, ids }))
  if (here === undefined || there === undefined) return expect.fail('two processes')
  const commits: RoomCommit[] = []
  for (const store of [here, there]) store.log.onCommitted((commit) => commits.push(commit))
  for (let round = 0; round < 25; round += 1) {
    const owner = await signUp(here, 'Olive')
    const person = await signUp(here, 'Old name')
    const [known, joined] = [await openRoom(here, owner), await openRoom(here, owner)]
    await join(here, known.id, person)
    await Promise.all([
      join(there, joined.id, person),
      here.accounts.updateProfile(person.actor, { displayName: 'New name' }, clock.nowMs()),
    ])
    for (const { id } of [known, joined]) {
      const told = commits.filter(({ roomId }) => roomId === id)
      expect(nameAfter(told, person.user.id)).toBe('New name')
      expect((await gaplessLog(there, id)).length).toBe(told.flatMap(({ events }) => events).length)
    }
  }
})
