import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Message } from '../../../core/domain/message.js'
import { openRoomOfThree, send } from '../../contracts/store.js'
import { TcpProxy } from '../nemesis/tcp-proxy.js'
import {
  assertUnavailable,
  auditRoom,
  type Processes,
  postgresOfProcesses,
  type StoreProcess,
} from './processes.js'

const MESSAGES = 1_200
/** Backends are ended each time after so many more messages. */
const PROGRESS = 40

describe('connections that are lost', () => {
  let processes: Processes

  beforeAll(async () => {
    processes = await postgresOfProcesses()
  })
  afterAll(() => processes?.stop())

  const endBackends = ({ applicationName }: StoreProcess) =>
    processes.admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${applicationName}`

  it('lose no answered message and store none twice when backends are ended at any moment (fault P1) (fault P2)', async () => {
    const store = processes.start()
    const rooms = await Promise.all([1, 2, 3].map(() => openRoomOfThree(store)))
    const answered: Message[] = []
    let isOver = false
    const killer = (async () => {
      let rounds = 0
      while (!isOver) {
        const before = answered.length
        while (!isOver && answered.length < before + PROGRESS) await sleep(1)
        await sleep((rounds * 7) % 20)
        await endBackends(store)
        rounds += 1
      }
      return rounds
    })()
    let unavailable = 0
    const sendUntilStored = async (i: number): Promise<Message> => {
      const { roomId, owner } = rooms[i % rooms.length] ?? assert.fail()
      for (;;) {
        try {
          return await send(store, roomId, owner, `text ${i}`, { clientMessageId: `client-${i}` })
        } catch (error) {
          assertUnavailable(error)
          unavailable += 1
          await sleep(5)
        }
      }
    }
    const next = Array.from({ length: MESSAGES }, (_, i) => i)
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        for (let i = next.shift(); i !== undefined; i = next.shift()) answered.push(await sendUntilStored(i))
      }),
    )
    isOver = true
    assert.ok((await killer) > 3)
    assert.ok(unavailable > 0, 'no write was hit')
    const witness = processes.start()
    let stored = 0
    for (const { roomId } of rooms) stored += (await auditRoom(processes, witness, roomId)) - 3
    assert.equal(stored, MESSAGES)
    for (const message of answered.slice(0, 50))
      assert.deepEqual(await witness.messages.find(message.id), message)
    assert.equal(new Set(answered.map(({ id }) => id)).size, MESSAGES)
  })

  it('leave nothing of a transaction behind, whatever it does after the loss', async () => {
    const { database } = processes.start()
    const write = database.transaction('test', async (tx) => {
      const [backend] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
      await processes.admin`select pg_terminate_backend(${backend?.pid ?? 0}::int)`
      // Calls that come now must not bring the transaction a new connection.
      await Promise.all([1, 2, 3].map(() => database.call('test', (sql) => sql`select 1`)))
      await sleep(50)
      await tx`insert into creations values (${'00000000-0000-7000-8000-000000000000'}, 'room', 'a', 'b', 'c')`
    })
    assertUnavailable(await write.catch((error: unknown) => error))
    const left = await database.call('test', (sql) => sql`select 1 from creations`)
    assert.equal(left.length, 0)
  })

  it('that are reset fail the call that runs on them, and not the one that waits for its turn', async () => {
    const proxy = await TcpProxy.start(processes.url)
    try {
      const { database } = processes.start({ url: proxy.url, poolSize: 1 })
      const hit = database.call('test', (sql) => sql`select pg_sleep(3)`).catch((error: unknown) => error)
      const next = database.call('test', (sql) => sql`select 1 as one`)
      while (proxy.open === 0) await sleep(5)
      await sleep(100)
      const startedAt = performance.now()
      proxy.cut()
      assertUnavailable(await hit)
      assert.equal((await next)[0]?.one, 1)
      assert.ok(performance.now() - startedAt < 2_000)
    } finally {
      await proxy.close()
    }
  })

  it('that had been replaced before say nothing of those that replaced them', async () => {
    const { database } = processes.start({ poolSize: 2 })
    const backend = async (holdS: number) => {
      const [row] = await database.call(
        'test',
        (sql) => sql`select pg_backend_pid() as pid, pg_sleep(${holdS})`,
      )
      return Number(row?.pid)
    }
    const end = (pid: number) => processes.admin`select pg_terminate_backend(${pid}::int)`
    const [last, first] = await Promise.all([backend(0.2), backend(0.1)])
    // The one that was given back last goes out again, and the other is lost meanwhile.
    const hit = backend(10).catch((error: unknown) => error)
    await sleep(100)
    await end(first)
    await sleep(100)
    const fresh = await backend(0)
    assert.ok(fresh !== first && fresh !== last)
    await end(last)
    assertUnavailable(await hit)
    assert.equal(await backend(0), fresh)
  })

  it('that hang are given up at the deadline and replaced (fault P4)', async () => {
    const { database } = processes.start({ poolSize: 2, queryDeadlineMs: 400, statementTimeoutMs: 300 })
    const backends = await Promise.all(
      [1, 2].map(() => database.call('test', (sql) => sql`select pg_backend_pid() as pid, pg_sleep(0.1)`)),
    )
    const pids = backends.map(([row]) => Number(row?.pid))
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      const startedAt = performance.now()
      assertUnavailable(await database.call('test', (sql) => sql`select 1`).catch((error: unknown) => error))
      assert.ok(performance.now() - startedAt < 2_000)
      const giveUpAt = performance.now() + 15_000
      let isBack = false
      while (!isBack && performance.now() < giveUpAt) isBack = (await database.health()).ok
      assert.ok(isBack, 'the pool stays unusable')
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
  })
})
