import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Database, migrate, openDatabase } from '../../adapters/postgres/index.js'
import { RedisConnection } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { eventually } from '../contracts/eventually.js'
import { type ProxyMode, TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { RedisServer } from './redis.js'

/** How Redis is while a behaviour is verified, from a moment before it on. */
export const OUTAGES: readonly (readonly [name: string, mode: ProxyMode])[] = [
  ['up', { is: 'up' }],
  ['down', { is: 'down' }],
  ['frozen', { is: 'frozen' }],
]

export type FailingRedis = {
  readonly clock: SystemClock
  /** Of two processes, on one Postgres. */
  readonly databases: () => readonly [Database, Database]
  /** Connections of two processes, on a Redis that is `mode` since a moment ago. */
  readonly processes: (mode: ProxyMode) => Promise<readonly [RedisConnection, RedisConnection]>
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
    await proxy?.close()
    await server?.stop()
    for (const database of databases ?? []) await database.close()
    await test?.drop()
  })

  return {
    clock,
    databases: () => databases,
    close: (closer) => closing.push(closer),
    async processes(mode) {
      await proxy.set({ is: 'up' })
      const prefix = `${randomUUID()}:`
      // A stall of a busy machine is no outage.
      const commandDeadlineMs = mode.is === 'up' ? 5_000 : 200
      const connect = () => new RedisConnection({ url: proxy.url, prefix, clock, commandDeadlineMs })
      const pair = [connect(), connect()] as const
      open.push(...pair)
      await Promise.all(pair.map((connection) => connection.start()))
      for (const { health } of pair) await eventually('Redis to be up', () => health.isUp())
      await proxy.set(mode)
      return pair
    },
  }
}
