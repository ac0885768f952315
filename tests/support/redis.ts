import { describe } from 'vitest'
import { REDIS_PROGRAM, redisVersion } from './redis-server.js'

export { RedisServer, type RedisServerOptions } from './redis-server.js'

/** A suite on a real Redis. Without one it says so and counts as skipped; under CI=true it fails. */
export function describeWithRedis(name: string, suite: () => void): void {
  const isThere = redisVersion() !== null
  if (!isThere)
    process.stdout.write(`Skipped: ${name}, because there is no ${REDIS_PROGRAM} (REDIS_SERVER_PATH).\n`)
  const mustRun = process.env.CI === 'true'
  describe.runIf(isThere || mustRun)(isThere ? name : `${name} (skipped: no redis-server)`, suite)
}
