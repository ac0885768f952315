import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { FailoverPresence } from '../../adapters/failover/index.js'
import {
  type Database,
  migrate,
  openDatabase,
  PostgresPresence,
  ProcessLease,
} from '../../adapters/postgres/index.js'
import { RedisConnection, RedisPresence } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import type { UserId } from '../../core/domain/ids.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { eventually } from './eventually.js'

const LEASE_MS = 4_000
const SETTINGS = { leaveAfterMs: 100, returnAfterMs: 500, lookEveryMs: 200 }

type Process = {
  readonly presence: FailoverPresence
  readonly proxy: TcpProxy
  readonly redis: RedisConnection
  readonly end: () => Promise<void>
}

describeWithRedis('presence through an outage of Redis', () => {
  let server: RedisServer
  let test: TestDatabase
  const databases: Database[] = []
  const processes: Process[] = []

  /** Each with a way of its own to Redis, and beating as a server does. */
  async function boot(): Promise<Process> {
    const proxy = await TcpProxy.start(server.url)
    const redis = new RedisConnection({ url: proxy.url, clock: new SystemClock() })
    await redis.start()
    await eventually('Redis to be up', () => redis.health.isUp())
    const database = openDatabase({ url: test.url, poolSize: 3 })
    databases.push(database)
    const stores = {
      primary: new RedisPresence(redis, LEASE_MS),
      fallback: new PostgresPresence(database, new ProcessLease(database, LEASE_MS)),
    }
    const presence = new FailoverPresence(stores, redis.health, SETTINGS)
    const beating = setInterval(() => void presence.beat().catch(() => undefined), LEASE_MS / 4)
    let ending: Promise<void> | null = null
    const end = async () => {
      clearInterval(beating)
      redis.close()
      await Promise.all([proxy.close(), database.close()])
    }
    const process = { presence, proxy, redis, end: () => (ending ??= end()) }
    processes.push(process)
    return process
  }

  const statesOf = async ({ presence }: Process, ...userIds: UserId[]) => {
    const { presences, partial } = await presence.states(userIds)
    return { states: presences.map(({ state }) => state), partial }
  }
  const sideOf = ({ presence }: Process) => presence.state().state
  const areIn = (side: 'primary' | 'fallback', ...of: Process[]) =>
    eventually(`all in the ${side}`, () => of.every((process) => sideOf(process) === side), 20_000)
  const socketsInPostgres = async () =>
    (await databases[0]?.call('test', (sql) => sql`select from presence_sockets`))?.length
  const asAdmin = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(server.url)
    try {
      return await work(redis)
    } finally {
      redis.disconnect()
    }
  }

  beforeAll(async () => {
    test = await testDatabase()
    await migrate(test.url)
  })

  beforeEach(async () => {
    server = await RedisServer.start()
  })

  afterEach(async () => {
    for (const { presence } of processes) await presence.leave().catch(() => undefined)
    for (const { end } of processes.splice(0)) await end()
    databases.length = 0
    await server.stop()
  })

  afterAll(() => test?.drop())

  it('is in one place for all while one process is cut off, and back when it is not (fault R11)', async () => {
    const [first, second] = [await boot(), await boot()]
    const [one, two, both] = [randomUUID(), randomUUID(), randomUUID()]
    await first.presence.announce(one, 's1', 'online')
    await first.presence.announce(both, 's2', 'away')
    await second.presence.announce(two, 's3', 'online')
    await second.presence.announce(both, 's4', 'online')
    await second.proxy.set({ is: 'frozen' })
    // Whatever is not partial is whole.
    await eventually('the second to know all again', async () => {
      const { states, partial } = await statesOf(second, one, two, both)
      if (!partial) expect(states).toEqual(['online', 'online', 'online'])
      expect((await statesOf(first, one, two, both)).states).toEqual(['online', 'online', 'online'])
      return !partial && sideOf(second) === 'fallback'
    })
    await areIn('fallback', first, second)
    expect(await second.presence.withdraw(both, 's4')).toEqual({ before: 'online', after: 'away' })
    expect(await second.presence.withdraw(two, 's3')).toEqual({ before: 'online', after: 'offline' })
    for (const process of [first, second])
      expect(await statesOf(process, one, two, both)).toEqual({
        states: ['online', 'offline', 'away'],
        partial: false,
      })
    await second.proxy.set({ is: 'up' })
    await areIn('primary', first, second)
    for (const process of [first, second])
      expect(await statesOf(process, one, two, both)).toEqual({
        states: ['online', 'offline', 'away'],
        partial: false,
      })
  })

  it('says that it does not know all for as long as another process is in the primary (fault R11)', async () => {
    const [first, second] = [await boot(), await boot()]
    const one = randomUUID()
    await first.presence.announce(one, 's1', 'online')
    await second.presence.announce(randomUUID(), 's2', 'online')
    await second.proxy.set({ is: 'down' })
    let wasPartial = false
    await eventually('both in the fallback', async () => {
      const { states, partial } = await statesOf(second, one)
      wasPartial ||= partial
      expect(partial || states[0] === 'online').toBe(true)
      return sideOf(first) === 'fallback' && !partial
    })
    expect(wasPartial).toBe(true)
  })

  it('shows nobody offline who stays, and names nobody, on the way back (fault R1 and R3, pitfall 9)', async () => {
    const [first, second] = [await boot(), await boot()]
    const users = Array.from({ length: 30 }, () => randomUUID())
    const [leaving, gone] = [randomUUID(), randomUUID()]
    for (const [at, userId] of users.entries())
      await (at % 2 === 0 ? first : second).presence.announce(userId, `s-${userId}`, 'online')
    await first.presence.announce(leaving, 's1', 'online')
    await second.presence.announce(gone, 's2', 'online')
    await server.kill()
    await second.presence.withdraw(gone, 's2')
    await first.presence.beat()
    await areIn('fallback', first, second)
    let marks = await Promise.all([first, second].map(({ presence }) => presence.changes(null)))
    await server.restart()
    await first.presence.withdraw(leaving, 's1')
    const named = [new Set<UserId>(), new Set<UserId>()]
    const online = users.map(() => 'online')
    await eventually(
      'both in the primary',
      async () => {
        for (const process of [first, second])
          expect(await statesOf(process, ...users, gone)).toEqual({
            states: [...online, 'offline'],
            partial: false,
          })
        marks = await Promise.all(
          [first, second].map(({ presence }, at) => presence.changes(marks[at]?.mark ?? null)),
        )
        marks.forEach(({ userIds }, at) => {
          for (const userId of userIds) named[at]?.add(userId)
        })
        return [first, second].every((process) => sideOf(process) === 'primary')
      },
      20_000,
    )
    expect(named.map((users) => [...users])).toEqual([[leaving], [leaving]])
    await eventually('the fallback to be empty', async () => (await socketsInPostgres()) === 0)
    const stored = await asAdmin((redis) => redis.keys('*:user:*'))
    expect(stored.map((key) => key.slice(-36)).sort()).toEqual([...users].sort())
  })

  it('says that it does not know all until all are there again whom Redis has lost (fault R3)', async () => {
    const [first, second] = [await boot(), await boot()]
    const [one, two] = [randomUUID(), randomUUID()]
    await first.presence.announce(one, 's1', 'online')
    await second.presence.announce(two, 's2', 'online')
    await asAdmin((redis) => redis.flushall())
    let wasPartial = false
    await eventually(
      'all of it to be known again',
      async () => {
        for (const process of [first, second]) {
          const { states, partial } = await statesOf(process, one, two)
          if (!partial) expect(states).toEqual(['online', 'online'])
          wasPartial ||= partial
        }
        return wasPartial && !(await statesOf(first, one, two)).partial
      },
      4 * LEASE_MS,
    )
    expect([first, second].map(sideOf)).toEqual(['primary', 'primary'])
  })

  it('knows all at once on the way back from an outage longer than a lease (fault R1)', async () => {
    const [first, second] = [await boot(), await boot()]
    const [one, two] = [randomUUID(), randomUUID()]
    await first.presence.announce(one, 's1', 'online')
    await second.presence.announce(two, 's2', 'online')
    for (const { proxy } of [first, second]) await proxy.set({ is: 'down' })
    await areIn('fallback', first, second)
    await sleep(LEASE_MS)
    for (const { proxy } of [first, second]) await proxy.set({ is: 'up' })
    await eventually(
      'both in the primary',
      async () => {
        for (const process of [first, second])
          expect(await statesOf(process, one, two)).toEqual({ states: ['online', 'online'], partial: false })
        return [first, second].every((process) => sideOf(process) === 'primary')
      },
      20_000,
    )
    for (const process of [first, second])
      expect(await statesOf(process, one, two)).toEqual({ states: ['online', 'online'], partial: false })
  })

  it('keeps when users were there last though Redis loses it (fault R3)', async () => {
    const process = await boot()
    const [left, dropped] = [randomUUID(), randomUUID()]
    const startedAtMs = Date.now()
    await process.presence.announce(left, 's1', 'online')
    await process.presence.withdraw(left, 's1')
    const dead = await boot()
    await dead.presence.announce(dropped, 's2', 'online')
    await dead.end()
    await eventually('the dead one to be found', async () =>
      (await process.presence.reap()).includes(dropped),
    )
    const before = await process.presence.states([left, dropped])
    for (const { lastSeenAtMs } of before.presences)
      expect(lastSeenAtMs).toBeGreaterThanOrEqual(startedAtMs - 1_000)
    await asAdmin((redis) => redis.flushall())
    expect(await process.presence.states([left, dropped])).toEqual({ ...before, partial: true })
  })

  it('loses nobody while Redis comes and goes (fault R13)', async () => {
    const [first, second] = [await boot(), await boot()]
    const users: UserId[] = []
    for (let round = 0; round < 4; round += 1) {
      for (const process of [first, second]) {
        const [stays, goes] = [randomUUID(), randomUUID()]
        users.push(stays)
        await process.presence.announce(stays, `s-${stays}`, 'online')
        await process.presence.announce(goes, `s-${goes}`, 'online')
        await process.presence.withdraw(goes, `s-${goes}`)
      }
      for (const { proxy } of [first, second]) await proxy.set({ is: round % 2 === 0 ? 'down' : 'up' })
      await sleep(1_000)
    }
    await areIn('primary', first, second)
    for (const process of [first, second])
      expect(await statesOf(process, ...users)).toEqual({
        states: users.map(() => 'online'),
        partial: false,
      })
    expect(await asAdmin((redis) => redis.keys('*:user:*'))).toHaveLength(users.length)
  })

  it('shows nobody whom an old snapshot brings back, beyond a lease (fault R4 and R18)', async () => {
    const [living, dying] = [await boot(), await boot()]
    const [stayed, left, ofDead] = [randomUUID(), randomUUID(), randomUUID()]
    await living.presence.announce(stayed, 's1', 'online')
    await living.presence.announce(left, 's2', 'online')
    await dying.presence.announce(ofDead, 's3', 'online')
    await asAdmin((redis) => redis.save())
    await server.kill()
    await dying.end()
    await living.presence.withdraw(left, 's2')
    await areIn('fallback', living)
    const killedAtMs = performance.now()
    await server.restart()
    await eventually('the one of the dead process to be gone', async () => {
      const { states } = await statesOf(living, stayed, left, ofDead)
      expect(states.slice(0, 2)).toEqual(['online', 'offline'])
      return sideOf(living) === 'primary' && states[2] === 'offline'
    })
    expect(performance.now() - killedAtMs).toBeLessThan(2 * LEASE_MS)
    await sleep(LEASE_MS)
    await living.presence.reap()
    expect((await statesOf(living, stayed, left, ofDead)).states).toEqual(['online', 'offline', 'offline'])
  })
})
