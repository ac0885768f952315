import { Redis } from 'ioredis'
import { afterEach } from 'vitest'
import { RedisConnection, type RedisConnectionOptions } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { eventually } from '../contracts/eventually.js'

/** A stall of a busy machine is no outage. */
const CALM_MS = 1_000

/** For a suite: connections that are closed after each test. */
export function redisConnections() {
  const open: RedisConnection[] = []
  afterEach(() => {
    for (const connection of open.splice(0)) connection.close()
  })

  const connect = async (
    options: Omit<RedisConnectionOptions, 'clock'> & Partial<Pick<RedisConnectionOptions, 'clock'>>,
    commandDeadlineMs = CALM_MS,
  ): Promise<RedisConnection> => {
    const connection = new RedisConnection({ clock: new SystemClock(), commandDeadlineMs, ...options })
    open.push(connection)
    await connection.start()
    return connection
  }
  return { connect }
}

export const isUp = (connection: RedisConnection): Promise<void> =>
  eventually('Redis to be up', () => connection.health.isUp(), 20_000)

export const isAway = (connection: RedisConnection): Promise<void> =>
  eventually('Redis to be given up', () => connection.health.state === 'down')

/** As an operator would. */
export async function operate(url: string, ...command: readonly [string, ...string[]]): Promise<unknown> {
  const redis = new Redis(url, { retryStrategy: null })
  redis.on('error', () => undefined)
  try {
    return await redis.call(...(command as [string, ...string[]]))
  } finally {
    redis.disconnect()
  }
}
