import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { RedisConnection } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { eventually } from '../contracts/eventually.js'
import { type ProxyMode, TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { RedisServer } from './redis.js'
import { operate } from './redis-connections.js'

/** How Redis is while a behaviour is verified, from a moment before it on. */
export const OUTAGES: readonly (readonly [name: string, mode: ProxyMode])[] = [
  ['up', { is: 'up' }],
  ['down', { is: 'down' }],
  ['frozen', { is: 'frozen' }],
  ['slow', { is: 'slow', delayMs: 500, jitterMs: 400 }],
  ['reset', { is: 'reset' }],
]

/** How Redis is in turn, from one behaviour of a suite to the next. */
const SCRIPT: readonly ProxyMode[] = [
  { is: 'up' },
  { is: 'frozen' },
  { is: 'up' },
  { is: 'reset' },
  { is: 'down' },
  { is: 'up' },
  // Never within the deadline: a lock that is in two places by turns is not what a contract is about.
  { is: 'slow', delayMs: 1_500, jitterMs: 400 },
  { is: 'frozen' },
  { is: 'up' },
  { is: 'down' },
]

type Pair = readonly [RedisConnection, RedisConnection]

/** A stall of a busy machine is no outage. */
const CALM_MS = 5_000
const DEADLINE_MS = 200
/** Neither, nor is each outage to cost a test this too often. */
const LASTING_DEADLINE_MS = 1_000
const RETURNS_WITHIN_MS = 20_000

export type FailingRedis = {
  readonly clock: SystemClock
  /** Of two processes, on one Postgres. */
  readonly databases: () => readonly [Database, Database]
  /** Connections of two processes, on a Redis that is `mode` since a moment ago. */
  readonly processes: (mode: ProxyMode) => Promise<Pair>
  /** The same connections each time, on a Redis that is as the next line of a script says, since a moment ago. */
  readonly nextTurn: () => Promise<Pair>
  /** From now on. */
  readonly turn: (mode: ProxyMode) => Promise<void>
  /** As an operator would, whatever the mode. */
  readonly operate: (...command: readonly [string, ...string[]]) => Promise<unknown>
  /** After the present test. */
  readonly close: (closer: () => unknown) => void
}

/** For a suite: a private Redis behind a proxy, and a database of its own. */
export function failingRedis(): FailingRedis {
  const clock = new SystemClock()
  let server: RedisServer
  let proxy: TcpProxy
  let test: TestDatabase
  let databases: readonly [Database, Database]
  const open: RedisConnection[] = []
  const closing: (() => unknown)[] = []
  let lasting: Pair | null = null
  let turns = 0

  const connectPair = async (commandDeadlineMs: number): Promise<Pair> => {
    await proxy.set({ is: 'up' })
    const prefix = `${randomUUID()}:`
    const connect = () => new RedisConnection({ url: proxy.url, prefix, clock, commandDeadlineMs })
    const pair = [connect(), connect()] as const
    await Promise.all(pair.map((connection) => connection.start()))
    await areUp(pair)
    return pair
  }
  const areUp = async (pair: Pair): Promise<void> => {
    for (const { health } of pair) await eventually('Redis to be up', () => health.isUp(), RETURNS_WITHIN_MS)
  }

  beforeAll(async () => {
    server = await RedisServer.start()
    proxy = await TcpProxy.start(server.url)
    test = await testDatabase()
    await migrate(test.url)
    databases = [openDatabase({ url: test.url, poolSize: 5 }), openDatabase({ url: test.url, poolSize: 5 })]
  })

  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
    for (const connection of open.splice(0)) connection.close()
  })

  afterAll(async () => {
    for (const connection of lasting ?? []) connection.close()
    await proxy?.close()
    await server?.stop()
    for (const database of databases ?? []) await database.close()
    await test?.drop()
  })

  return {
    clock,
    databases: () => databases,
    close: (closer) => closing.push(closer),
    turn: (mode) => proxy.set(mode),
    operate: (...command) => operate(server.url, ...command),
    async processes(mode) {
      const pair = await connectPair(mode.is === 'up' ? CALM_MS : DEADLINE_MS)
      open.push(...pair)
      await proxy.set(mode)
      return pair
    },
    async nextTurn() {
      lasting ??= await connectPair(LASTING_DEADLINE_MS)
      const mode = SCRIPT[turns % SCRIPT.length] ?? { is: 'up' }
      turns += 1
      await proxy.set(mode)
      // For the same reason it is waited for on its way back.
      if (mode.is === 'up') await areUp(lasting)
      return lasting
    },
  }
}
