import { readFile } from 'node:fs/promises'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { reportOf } from '../../apps/server/composition/redis-report.js'
import { everythingWorks } from '../support/every-redis-adapter.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { RedisCluster } from '../support/redis-cluster.js'
import { isUp, operate, redisConnections } from '../support/redis-connections.js'

/** What docs/deploy.md has operators grant: to a user of one Redis, and what more one of a cluster needs. */
type Rights = {
  readonly user: string
  readonly rules: readonly string[]
  readonly inCluster: readonly string[]
}

async function documentedRights(): Promise<Rights> {
  const text = await readFile('docs/deploy.md', 'utf8')
  const line = /^\s*user (\S+) (on .+)$/m.exec(text)
  const inCluster = /for a cluster `([^`]+)` besides/.exec(text)
  if (line === null || inCluster === null) throw new Error('docs/deploy.md gives no rights')
  const [, user = '', rules = ''] = line
  return { user, rules: rules.trim().split(/\s+/), inCluster: (inCluster[1] ?? '').split(' ') }
}

/** A stall of a busy machine is no outage. */
const CALM_MS = 5_000

describeWithRedis('the rights that docs/deploy.md gives to the user of Redis', () => {
  const { connect } = redisConnections()
  const started: { stop(): Promise<void> }[] = []
  let rights: Rights

  beforeAll(async () => {
    rights = await documentedRights()
  })
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop()
  })

  /** The URL with which that user signs in, who may do this and nothing else. */
  const granted = async (url: string, rules: readonly string[]): Promise<string> => {
    await operate(url, 'acl', 'setuser', rights.user, 'reset', ...rules)
    const secret = rules.find((rule) => rule.startsWith('>'))?.slice(1) ?? ''
    return url.replace('redis://', `redis://${rights.user}:${secret}@`)
  }
  /** What was refused; some of it no adapter would tell of. */
  const refusedAt = async (url: string): Promise<string[]> => {
    const entries = (await operate(url, 'acl', 'log')) as unknown[][]
    return entries.map((entry) => String(entry[entry.indexOf('object') + 1]))
  }

  it('are all that the adapters need on one Redis, by the default prefix', async () => {
    const server = await RedisServer.start()
    started.push(server)
    const redis = await connect({ url: await granted(server.url, rights.rules) }, CALM_MS)
    expect(redis.prefix).toBe('parley:')
    await everythingWorks(redis)
    expect((await reportOf(redis)).memoryBytes).toBeGreaterThan(0)
    expect(await refusedAt(server.url)).toEqual([])
  })

  it('are, with those for a cluster, all that they need on three nodes', async () => {
    const cluster = await RedisCluster.start()
    started.push(cluster)
    const all = [...rights.rules, ...rights.inCluster]
    const urls = await Promise.all(cluster.urls.map((url) => granted(url, all)))
    const redis = await connect({ url: urls as [string, ...string[]], isCluster: true }, CALM_MS)
    await everythingWorks(redis)
    expect((await reportOf(redis)).memoryBytes).toBeGreaterThan(0)
    expect((await Promise.all(cluster.urls.map(refusedAt))).flat()).toEqual([])
  }, 60_000)

  it('are no more than that: neither other keys, nor other channels, nor what harms others', async () => {
    const server = await RedisServer.start()
    started.push(server)
    const url = await granted(server.url, rights.rules)
    await isUp(await connect({ url }))
    for (const command of [
      ['set', 'other:key', '1'],
      ['publish', 'other:channel', 'hello'],
      ['flushall'],
      ['keys', '*'],
      ['config', 'get', '*'],
      ['acl', 'list'],
    ] as [string, ...string[]][])
      await expect(operate(url, ...command), command.join(' ')).rejects.toThrow(/NOPERM/)
  })
})
