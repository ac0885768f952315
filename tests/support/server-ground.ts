import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'
import { until } from './person.js'
import { testDatabase } from './postgres.js'
import { temporaryDirectory } from './postgres-cluster.js'
import { isOnRedis } from './probes.js'
import { RedisServer } from './redis.js'
import { RedisStrike } from './redis-strike.js'
import { serverMode } from './server-mode.js'

/** What servers of a test stand on, as the mode says. */
export type Ground = {
  readonly variables: Readonly<Record<string, string>>
  /** Of the database that they use, once they run. */
  databaseUrl(): Promise<string>
  /** Called when all of them are ready: they have then what the mode gives them. */
  taken(urls: readonly string[]): Promise<void>
  /** Called when they have ended. Throws where a Redis that had to be killed was not. */
  clear(): Promise<void>
}

export function prepareGround(): Promise<Ground> {
  if (serverMode === 'embedded') return embedded()
  return serverMode === 'postgres' ? onDatabase() : onRedis()
}

async function embedded(): Promise<Ground> {
  const { dataDir, remove } = await temporaryDirectory()
  return {
    variables: { PARLEY_DATA_DIR: dataDir },
    async databaseUrl() {
      const secrets = JSON.parse(await readFile(join(dataDir, 'postgres-secrets.json'), 'utf8'))
      const postmaster = await readPostmasterFile(join(dataDir, 'postgres'))
      return `postgres://parley:${secrets.appPassword}@127.0.0.1:${postmaster?.port}/parley`
    },
    taken: async () => undefined,
    clear: remove,
  }
}

async function onDatabase(): Promise<Ground> {
  const database = await testDatabase()
  return {
    variables: { DATABASE_URL: database.url },
    databaseUrl: async () => database.url,
    taken: async () => undefined,
    clear: () => database.drop(),
  }
}

async function onRedis(): Promise<Ground> {
  const [ground, redis] = await Promise.all([onDatabase(), RedisServer.start()])
  const strike = serverMode === 'redis-killed' ? new RedisStrike(redis) : null
  return {
    ...ground,
    variables: { ...ground.variables, REDIS_URL: redis.url },
    async taken(urls) {
      await until(
        'all are on Redis',
        async () => (await Promise.all(urls.map(isOnRedis))).every(Boolean),
        30_000,
      )
      strike?.prepare(urls)
    },
    async clear() {
      await redis.stop()
      await ground.clear()
      strike?.verify()
    },
  }
}
