import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { type Composition, compose } from '../../apps/server/composition/index.js'
import { SocketNotices } from '../../apps/server/realtime/socket-notices.js'
import { createTestSystem } from '../../apps/testing/index.js'
import { eventually } from '../contracts/eventually.js'
import { TcpProxy } from '../faults/nemesis/tcp-proxy.js'
import type { Deployment, Member } from '../use-cases/pitfalls/deployment.js'
import { migratedDatabase, type TestDatabase } from './postgres.js'
import { RedisServer } from './redis.js'
import { operate } from './redis-connections.js'

const LONG_MS = 60_000
const LIMIT_FACTOR = 1_000
const RETURNS_WITHIN_MS = 30_000

/** A Redis, and the ways of processes to it, in the order in which they were started. */
type Reached = { readonly server: RedisServer; readonly ways: readonly TcpProxy[] }
type Misfortune = {
  readonly befall: (redis: Reached) => unknown
  readonly mend?: (redis: Reached) => unknown
}

const all = (mode: Parameters<TcpProxy['set']>[0]) => (redis: Reached) =>
  Promise.all(redis.ways.map((way) => way.set(mode)))

/** What befalls a Redis in the midst of a behaviour, and how it ends. */
export const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  'that is up': { befall: () => undefined },
  'that is emptied': { befall: ({ server }) => operate(server.url, 'flushall') },
  'that is away': { befall: all({ is: 'down' }), mend: all({ is: 'up' }) },
  'that hangs': { befall: ({ server }) => server.freeze(), mend: ({ server }) => server.thaw() },
  'from which the one who changes things is cut off': {
    befall: ({ ways: [way] }) => way?.set({ is: 'frozen' }),
    mend: ({ ways: [way] }) => way?.set({ is: 'up' }),
  },
  'that dies and comes back as it was before': {
    async befall({ server }) {
      await operate(server.url, 'save')
      await server.kill()
    },
    mend: ({ server }) => server.restart(),
  },
}

/** For a suite: starts the deployment of a test, which ends with it. */
export type StartDeployment = () => Promise<Deployment>

/** Each is a `createTestSystem`, all on one database. */
export function inMemory(): StartDeployment {
  const open: Member[] = []
  afterEach(() => {
    for (const { parley } of open.splice(0)) parley.stop()
  })
  return async () => {
    const first = createTestSystem({ limitFactor: LIMIT_FACTOR, followsWallClock: true })
    const boot = async (system = createTestSystem({ shared: first.shared })): Promise<Member> => {
      await system.parley.start()
      open.push(system)
      return system
    }
    return { one: await boot(first), other: await boot(), boot, befall: nothing, mend: nothing }
  }
}

const nothing = async () => undefined

/** Processes as the server composes them, without Redis or with one that a misfortune befalls. */
export function composed(misfortune: Misfortune | null): StartDeployment {
  const authSecret = randomBytes(48).toString('base64url')
  let server: RedisServer | null = null
  let database: TestDatabase
  const ways: TcpProxy[] = []
  const open: Composition[] = []
  const isOnRedis = ({ reports }: Composition) => reports.failover().every(({ state }) => state === 'primary')
  const areOnRedis = () =>
    eventually('all to be on Redis', () => open.every((each) => isOnRedis(each)), RETURNS_WITHIN_MS)

  beforeAll(async () => {
    database = await migratedDatabase()
  })
  beforeEach(async () => {
    if (misfortune !== null) server = await RedisServer.start()
  })
  afterEach(async () => {
    server?.thaw()
    for (const { parley, close } of open.splice(0)) {
      parley.stop()
      await close()
    }
    for (const way of ways.splice(0)) await way.close()
    await server?.stop()
  })
  afterAll(() => database?.drop())

  const bootWith = async (prefix: string): Promise<Member> => {
    const way = server === null ? null : await TcpProxy.start(server.url)
    if (way !== null) ways.push(way)
    const composition = await compose({
      authSecret,
      notices: new SocketNotices(),
      database: { url: database.url },
      shared: true,
      redis: way === null ? null : { urls: [way.url], prefix, onChange: () => undefined },
      limitFactor: LIMIT_FACTOR,
      sessionMaxMs: 86_400_000,
      lifetimes: { sessionMs: LONG_MS, messagesMs: LONG_MS },
      cacheBounds: { maxEntries: 1_000, maxBytes: 1_000_000 },
      onError: () => undefined,
    })
    open.push(composition)
    await composition.parley.start()
    return composition
  }

  return async () => {
    const prefix = `${randomUUID()}:`
    const boot = () => bootWith(prefix)
    const [one, other] = [await boot(), await boot()]
    await areOnRedis()
    return {
      one,
      other,
      boot,
      befall: async () => void (server !== null && (await misfortune?.befall({ server, ways }))),
      async mend() {
        if (server !== null) await misfortune?.mend?.({ server, ways })
        await areOnRedis()
      },
    }
  }
}
