import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createPostgresStore,
  type Database,
  migrate,
  openDatabase,
} from '../../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../../adapters/system/index.js'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../apps/server/embedded-postgres/index.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { gaplessLog, openRoomOfThree, type Store, send } from '../../contracts/store.js'
import { eventually, type TemporaryDirectory, temporaryDirectory } from '../../support/postgres-cluster.js'
import { quantile } from '../checker/grouping.js'
import { endConnections, holdConnections, tapCommits } from './connection-actions.js'
import { childrenOf, type PostgresTarget, restartPostgres, suspendPostgres } from './postgres-actions.js'
import { TcpProxy } from './tcp-proxy.js'
import {
  delayCommits,
  endBackends,
  fateOf,
  gateCommits,
  lockRoomRow,
  makeReadOnly,
  raiseInTransactions,
} from './transaction-actions.js'

const BACK_MS = 20_000

let directory: TemporaryDirectory
let cluster: EmbeddedPostgres
let target: PostgresTarget
let database: Database
let store: Store

beforeAll(async () => {
  directory = await temporaryDirectory()
  cluster = await startEmbeddedPostgres({
    dataDir: directory.dataDir,
    // Without fsync there is no delay of commits.
    settings: { fsync: 'on', max_connections: '30' },
  })
  await migrate(cluster.url)
  const adminUrl = cluster.adminUrl.replace(/\/postgres$/, '/parley')
  const bigint = { to: 20, from: [20], parse: Number, serialize: String }
  const sql = postgres(adminUrl, { max: 2, types: { bigint }, onnotice: () => undefined })
  target = { url: cluster.url, adminUrl, sql, pid: async () => cluster.postgresPid }
  database = openDatabase({ url: cluster.url })
  store = storeOn(database)
})
afterAll(async () => {
  await database?.close(1_000)
  await target?.sql.end({ timeout: 1 })
  await cluster?.stop()
  await directory?.remove()
})

const storeOn = (on: Database): Store => ({
  ...createPostgresStore(on),
  clock: new SystemClock(),
  ids: new UuidIds(),
})

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

const isWritable = async (): Promise<boolean> => {
  const room = await openRoomOfThree(store).catch(() => null)
  return room !== null
}

describe('actions on Postgres', () => {
  it('restartPostgres ends every connection and comes back as another process on the same port', async () => {
    const room = await openRoomOfThree(store)
    const before = await target.pid()
    const heal = await restartPostgres(target)
    await heal()
    await eventually('its supervisor knows', () => cluster.postgresPid !== before, BACK_MS)
    await eventually('it can be written to', isWritable, BACK_MS)
    await send(store, room.roomId, room.owner, 'after')
  })

  it('suspendPostgres stops all its processes, and nothing is answered', async () => {
    const pid = await target.pid()
    expect((await childrenOf(pid)).length).toBeGreaterThan(3)
    const heal = await suspendPostgres(target)
    const startedAt = performance.now()
    const asked = database.call('test', (sql) => sql`select 1`)
    expect(await failure(asked)).toBeInstanceOf(PortUnavailable)
    expect(performance.now() - startedAt).toBeGreaterThan(2_000)
    await heal()
    await eventually('it can be written to', isWritable, BACK_MS)
  })

  it('endConnections ends those of the servers', async () => {
    await database.call('test', (sql) => sql`select 1`)
    expect(await endConnections(target)).toBeGreaterThan(0)
    await eventually('it can be written to', isWritable, BACK_MS)
  })

  it('holdConnections leaves the servers none, until it is healed', async () => {
    const { held, heal } = await holdConnections(target)
    const refusals: unknown[] = []
    for (let tries = 0; tries < 5; tries += 1) {
      refusals.push(await failure(database.call('test', (sql) => sql`select 1`)))
      await sleep(50)
    }
    await heal()
    expect(held).toBeGreaterThan(15)
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(PortUnavailable)
    await eventually('it can be written to', isWritable, BACK_MS)
  })

  it('holdConnections takes what is left where others connect at the same time', async () => {
    const holdings = await Promise.all([holdConnections(target), holdConnections(target)])
    const refusal = await failure(database.call('test', (sql) => sql`select 1`))
    for (const { heal } of holdings) await heal()
    expect(holdings.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(15)
    expect(refusal).toBeInstanceOf(PortUnavailable)
    await eventually('it can be written to', isWritable, BACK_MS)
  })

  it('tapCommits lets the commit happen and its answer be lost', async () => {
    const proxy = await TcpProxy.start(cluster.url)
    const room = await openRoomOfThree(store)
    const cut = openDatabase({ url: proxy.url })
    const cutStore = storeOn(cut)
    await send(cutStore, room.roomId, room.owner, 'before')
    const hits: string[] = []
    const heal = tapCommits(proxy, {
      storedBy: (chunk) => (chunk.includes('a fatal text') ? 'fatal' : null),
      verdict(stored) {
        hits.push(stored)
        return 'reset'
      },
    })
    const sent = send(cutStore, room.roomId, room.owner, 'a fatal text')
    expect(await failure(sent)).toBeInstanceOf(PortUnavailable)
    expect(hits).toEqual(['fatal'])
    await eventually('it is committed', async () => (await gaplessLog(store, room.roomId)).length === 5)
    await send(cutStore, room.roomId, room.owner, 'after')
    await heal()
    await cut.close(100)
    await proxy.close()
  })

  it('raiseInTransactions rolls back some of them, which are run again with one effect', async () => {
    const room = await openRoomOfThree(store)
    const raising = await raiseInTransactions(target, { share: 0.2, seed: 1 })
    for (let i = 0; i < 60; i += 1) await send(store, room.roomId, room.owner, `text ${i}`)
    await raising.heal()
    const raised = await raising.count()
    expect(raised).toBeGreaterThan(3)
    await send(store, room.roomId, room.owner, 'after')
    expect(await raising.count()).toBe(raised)
    expect(await gaplessLog(store, room.roomId)).toHaveLength(3 + 61)
  })

  it('gateCommits holds back a transaction that has written everything, which can be ended before its commit', async () => {
    const proxy = await TcpProxy.start(cluster.url)
    const held = openDatabase({ url: proxy.url })
    const room = await openRoomOfThree(store)
    const gate = await gateCommits(target)
    await gate.close()
    const sent = failure(send(storeOn(held), room.roomId, room.owner, 'held'))
    await eventually('it waits', async () => (await gate.waiting(proxy.portsToTarget)).length === 1)
    const [waiting] = await gate.waiting(proxy.portsToTarget)
    expect(await fateOf(target, waiting?.transaction ?? '')).toBe('in progress')
    await endBackends(target, [waiting?.pid ?? 0])
    await gate.open()
    expect(await sent).toBeInstanceOf(PortUnavailable)
    expect(await fateOf(target, waiting?.transaction ?? '')).toBe('aborted')
    expect(await gaplessLog(store, room.roomId)).toHaveLength(3)
    await gate.remove()
    await send(store, room.roomId, room.owner, 'after')
    await held.close(100)
    await proxy.close()
  })

  it('delayCommits makes each commit wait', async () => {
    const room = await openRoomOfThree(store)
    const sendMs = async () => {
      const startedAt = performance.now()
      await send(store, room.roomId, room.owner, randomUUID())
      return performance.now() - startedAt
    }
    const heal = await delayCommits(target, { byMs: 100 })
    await eventually('commits are slow', async () => (await sendMs()) > 90)
    // One whose record another process has flushed with its own does not wait.
    const took = [await sendMs(), await sendMs(), await sendMs(), await sendMs(), await sendMs()]
    expect(quantile(took, 0.5)).toBeGreaterThan(90)
    await heal()
    await eventually('commits are fast', async () => (await sendMs()) < 90)
  })

  it('makeReadOnly refuses writes and answers reads', async () => {
    const room = await openRoomOfThree(store)
    const heal = await makeReadOnly(target)
    await eventually('writes are refused', async () => {
      const sent = send(store, room.roomId, room.owner, randomUUID())
      return (await failure(sent)) instanceof PortUnavailable
    })
    expect((await gaplessLog(store, room.roomId)).length).toBeGreaterThanOrEqual(3)
    await heal()
    await eventually('it can be written to', isWritable, BACK_MS)
  })

  it('lockRoomRow holds up one room', async () => {
    const [hot, other] = [await openRoomOfThree(store), await openRoomOfThree(store)]
    const heal = await lockRoomRow(target, { roomId: hot.roomId })
    let isSent = false
    const sent = send(store, hot.roomId, hot.owner, 'hot').then(() => {
      isSent = true
    })
    await send(store, other.roomId, other.owner, 'other')
    await sleep(300)
    expect(isSent).toBe(false)
    await heal()
    await sent
  })
})
