import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Database,
  migrate,
  openDatabase,
  PostgresPresence,
  PostgresSessions,
  ProcessLease,
} from '../../adapters/postgres/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { openTestLogin } from '../support/postgres-login.js'

const LEASE_MS = 1_000

let test: TestDatabase
let database: Database

beforeAll(async () => {
  test = await testDatabase()
  await migrate(test.url)
  database = openDatabase({ url: test.url, poolSize: 5 })
})

afterAll(async () => {
  await database?.close()
  await test?.drop()
})

/** What a crash of the database does to its unlogged tables. */
const emptyUnlogged = () =>
  database.call('test', (sql) => sql`truncate process_leases, presence_sockets, live_sessions`)

beforeEach(emptyUnlogged)

function boot(leaseMs = LEASE_MS) {
  const lease = new ProcessLease(database, leaseMs)
  return { presence: new PostgresPresence(database, lease), sessions: new PostgresSessions(database, lease) }
}

const stateOf = async (presence: PostgresPresence, userId: string) =>
  (await presence.states([userId])).presences[0]

const newSession = async () => ({
  socketId: randomUUID(),
  connectedAtMs: 1,
  ...(await openTestLogin(database)),
})

describe('a process whose rows the database lost', () => {
  it('puts its sockets and sessions back with the next beat (pitfall 9)', async () => {
    const { presence, sessions } = boot(30_000)
    const userId = randomUUID()
    const session = await newSession()
    await presence.announce(userId, 's1', 'away')
    await sessions.put(session)
    await emptyUnlogged()
    expect((await stateOf(presence, userId))?.state).toBe('offline')
    expect(await sessions.find(session.socketId)).toBeNull()
    await presence.beat()
    expect((await stateOf(presence, userId))?.state).toBe('away')
    expect(await sessions.find(session.socketId)).toEqual(session)
  })

  it('tells with that beat who came back', async () => {
    const [here, there] = [boot(30_000), boot(30_000)]
    const [ofBoth, userId] = [randomUUID(), randomUUID()]
    await here.presence.announce(userId, 's1', 'away')
    await here.presence.announce(ofBoth, 's2', 'online')
    await there.presence.announce(ofBoth, 's3', 'online')
    await emptyUnlogged()
    const told = (await Promise.all([here.presence.beat(), there.presence.beat()])).flat()
    expect(told).toContainEqual({ userId, state: 'away' })
    expect(told).toContainEqual({ userId: ofBoth, state: 'online' })
    for (const { presence } of [here, there]) expect(await presence.beat()).toEqual([])
  })

  it('tells of no one going who has another socket here, even before the next beat', async () => {
    const { presence } = boot(30_000)
    const userId = randomUUID()
    await presence.announce(userId, 's1', 'online')
    await presence.announce(userId, 's2', 'online')
    await emptyUnlogged()
    expect(await presence.withdraw(userId, 's1')).toEqual({ before: 'online', after: 'online' })
    expect(await presence.withdraw(userId, 's2')).toEqual({ before: 'online', after: 'offline' })
  })

  it('remembers when users were last seen', async () => {
    const { presence } = boot(30_000)
    const userId = randomUUID()
    await presence.announce(userId, 's1', 'online')
    await presence.withdraw(userId, 's1')
    const before = await stateOf(presence, userId)
    expect(before?.lastSeenAtMs).not.toBeNull()
    await emptyUnlogged()
    expect(await stateOf(presence, userId)).toEqual(before)
  })
})

describe('a process whose calls fail on the way', () => {
  /** Carries out transactions, or none, and fails them while it is told to. */
  function failing() {
    const faults = { before: false, after: false }
    const transaction: Database['transaction'] = async (port, work, options) => {
      if (faults.before) throw new PortUnavailable(port, new Error('not sent'))
      const value = await database.transaction(port, work, options)
      if (faults.after) throw new PortUnavailable(port, new Error('no answer'))
      return value
    }
    const faulty: Database = Object.assign(Object.create(database), { transaction })
    return { presence: new PostgresPresence(faulty, new ProcessLease(faulty, 30_000)), faults }
  }

  it.each(['before', 'after'] as const)(
    'tells with the next beat who came or went meanwhile, where they failed %s being carried out',
    async (when) => {
      const { presence, faults } = failing()
      const [comes, goes] = [randomUUID(), randomUUID()]
      await presence.announce(goes, 's1', 'online')
      faults[when] = true
      await expect(presence.announce(comes, 's2', 'online')).rejects.toMatchObject({ port: 'PresencePort' })
      await expect(presence.withdraw(goes, 's1')).rejects.toMatchObject({ port: 'PresencePort' })
      await expect(presence.beat()).rejects.toMatchObject({ port: 'PresencePort' })
      faults[when] = false
      const told = await presence.beat()
      expect(told).toHaveLength(2)
      expect(told).toContainEqual({ userId: comes, state: 'online' })
      expect(told).toContainEqual({ userId: goes, state: 'offline' })
      expect(await presence.beat()).toEqual([])
    },
  )
})

describe('a process that died', () => {
  it('leaves no session behind', async () => {
    const [dead, living] = [boot(), boot()]
    const session = await newSession()
    await living.presence.beat()
    await dead.sessions.put(session)
    expect(await living.sessions.find(session.socketId)).toEqual(session)
    for (let step = 0; step < 3; step += 1) {
      await sleep(LEASE_MS / 2)
      await living.presence.beat()
    }
    expect(await living.sessions.find(session.socketId)).toBeNull()
    await living.presence.reap()
    const rows = await database.call('test', (sql) => sql`select from live_sessions`)
    expect(rows).toHaveLength(0)
  })

  it('cannot be told from one that only did not reach the database, so both are given time after an outage', async () => {
    const [first, second] = [boot(), boot()]
    const [ofFirst, ofSecond] = [randomUUID(), randomUUID()]
    await first.presence.announce(ofFirst, 's1', 'online')
    await second.presence.announce(ofSecond, 's2', 'online')
    await sleep(LEASE_MS * 1.2)
    expect(await first.presence.reap()).toEqual([])
    await second.presence.beat()
    expect((await stateOf(first.presence, ofFirst))?.state).toBe('online')
    expect((await stateOf(first.presence, ofSecond))?.state).toBe('online')
    for (let step = 0; step < 4; step += 1) {
      await sleep(LEASE_MS / 2)
      await first.presence.beat()
    }
    expect(await first.presence.reap()).toEqual([ofSecond])
  })
})

describe('many sockets at once', () => {
  it('come and go with one transition a user, in two processes', async () => {
    const processes = [boot(30_000), boot(30_000)]
    const users = Array.from({ length: 30 }, () => randomUUID())
    const each = (act: (presence: PostgresPresence, userId: string, socketId: string) => Promise<unknown>) =>
      Promise.all(
        users.flatMap((userId) =>
          processes.map(({ presence }, index) => act(presence, userId, `${userId} ${index}`)),
        ),
      )
    const came = await each((presence, userId, socketId) => presence.announce(userId, socketId, 'online'))
    expect(came.filter((change) => JSON.stringify(change).includes('offline'))).toHaveLength(users.length)
    const went = await each((presence, userId, socketId) => presence.withdraw(userId, socketId))
    expect(went.filter((change) => JSON.stringify(change).includes('offline'))).toHaveLength(users.length)
  })
})
