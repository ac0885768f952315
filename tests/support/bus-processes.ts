import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { FailoverBus } from '../../adapters/failover/index.js'
import { PostgresBus } from '../../adapters/postgres/index.js'
import { RedisBus, type RedisBusOptions, RedisConnection } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { eventually } from '../contracts/eventually.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { RedisServer } from './redis.js'

/** A stall of a busy machine is no outage. */
const COMMAND_DEADLINE_MS = 500

/** One process with buses over Redis and Postgres, and a way of its own to Redis. */
export type BusProcess = {
  readonly way: TcpProxy
  readonly redis: RedisConnection
  readonly overRedis: RedisBus
  readonly overPostgres: PostgresBus
  readonly bus: FailoverBus
  /** From now on nothing arrives on connections that listen, and nobody is told. Ended, those stay as they are; new ones are sound. */
  readonly mute: (isMute: boolean) => void
}

export type BusProcesses = {
  readonly server: () => RedisServer
  readonly database: () => TestDatabase
  readonly start: (options?: RedisBusOptions) => Promise<BusProcess>
  /** A command, as an operator would give it, and what Redis answers. */
  readonly operate: (...command: [string, ...string[]]) => Promise<unknown>
  /** Connections that listen, as Redis knows them. */
  readonly listening: () => Promise<readonly string[]>
  /** How many commands of this kind Redis has carried out. */
  readonly calls: (command: string) => Promise<number>
}

/** For a suite: each test has a private Redis, and the suite a database. */
export function busProcesses(): BusProcesses {
  let server: RedisServer
  let database: TestDatabase
  const closing: (() => unknown)[] = []

  beforeAll(async () => {
    database = await testDatabase()
  })
  beforeEach(async () => {
    server = await RedisServer.start()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    server?.thaw()
    await server?.stop()
  })
  afterAll(() => database?.drop())

  const operate: BusProcesses['operate'] = async (...command) => {
    const redis = new Redis(server.url)
    try {
      return await redis.call(...command)
    } finally {
      redis.disconnect()
    }
  }

  return {
    server: () => server,
    database: () => database,
    operate,
    async listening() {
      const clients = String(await operate('client', 'list', 'type', 'pubsub'))
      return Array.from(clients.matchAll(/^id=(\d+)/gm), ([, id = '']) => id).sort()
    },
    async calls(command) {
      const stats = String(await operate('info', 'commandstats'))
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
    },
    async start(options = {}) {
      const way = await TcpProxy.start(server.url)
      closing.push(() => way.close())
      const mute = muted(way)
      const redis = new RedisConnection({
        url: way.url,
        clock: new SystemClock(),
        commandDeadlineMs: COMMAND_DEADLINE_MS,
      })
      closing.push(() => redis.close())
      await redis.start()
      await eventually('Redis to be up', () => redis.health.isUp())
      const overRedis = new RedisBus(redis, options)
      const applicationName = `bus-${randomUUID()}`
      const overPostgres = new PostgresBus({ directUrl: database.url, applicationName })
      closing.push(() => Promise.all([overRedis.close(), overPostgres.close()]))
      const bus = new FailoverBus(overRedis, overPostgres, redis.health)
      closing.push(() => bus.close())
      return { way, redis, overRedis, overPostgres, bus, mute }
    },
  }
}

/** Messages that a connection has got by now are let through; what comes after `mute(true)` is not. */
function muted(way: TcpProxy): (isMute: boolean) => void {
  let isMute = false
  way.tapWith(() => {
    let isListening = false
    return (chunk, direction) => {
      if (direction === 'to-target' && chunk.includes('\r\nsubscribe\r\n')) isListening = true
      return isListening && isMute && direction === 'to-client' ? 'keep' : 'pass'
    }
  })
  return (now) => {
    isMute = now
  }
}
