import type { RedisClient, RedisConnection, RedisState } from '../../../adapters/redis/index.js'

/** What a process finds when it asks Redis; null: no answer. Of a cluster, the sum over its masters. */
export type RedisReport = {
  readonly state: RedisState
  /** ms since the Unix epoch. */
  readonly sinceMs: number
  readonly memoryBytes: number | null
  /** Commands that Redis carries out, of all its clients. */
  readonly operationsPerSecond: number | null
  /** Thrown away to make room, since it was started. */
  readonly evictedKeys: number | null
  /** Of one command, there and back. */
  readonly latencyMs: number | null
}

export async function reportOf(redis: RedisConnection): Promise<RedisReport> {
  const measured = await redis.call('Redis', measure).catch(() => NOTHING)
  return { state: redis.health.state, sinceMs: redis.health.sinceMs, ...measured }
}

type Measured = Omit<RedisReport, 'state' | 'sinceMs'>

const NOTHING: Measured = { memoryBytes: null, operationsPerSecond: null, evictedKeys: null, latencyMs: null }

async function measure(client: RedisClient): Promise<Measured> {
  const startedAt = performance.now()
  await client.ping()
  const latencyMs = performance.now() - startedAt
  const masters = 'nodes' in client && typeof client.nodes === 'function' ? client.nodes('master') : [client]
  const infos = await Promise.all(
    masters.map((node) => Promise.all([node.info('memory'), node.info('stats')])),
  )
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    latencyMs,
    memoryBytes: sum(infos.map(([memory]) => fieldOf(memory, 'used_memory'))),
    operationsPerSecond: sum(infos.map(([, stats]) => fieldOf(stats, 'instantaneous_ops_per_sec'))),
    evictedKeys: sum(infos.map(([, stats]) => fieldOf(stats, 'evicted_keys'))),
  }
}

const fieldOf = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
