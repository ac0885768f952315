import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { RedisBus, RedisConnection } from '../../adapters/redis/index.js'
import { SystemClock } from '../../adapters/system/index.js'
import { describeWithRedis, type RedisServer } from '../support/redis.js'
import { RedisCluster } from '../support/redis-cluster.js'
import { operate } from '../support/redis-connections.js'
import { busPortContract } from './bus-port.contract.js'
import { eventually } from './eventually.js'

const PROBE_MS = 100

describeWithRedis('RedisBus on a cluster of three nodes', () => {
  let cluster: RedisCluster
  const closing: (() => unknown)[] = []

  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    for (const node of cluster.nodes) node.thaw()
    await cluster.isWhole()
  })
  afterAll(() => cluster?.stop())

  const start = async (prefix: string) => {
    const redis = new RedisConnection({
      url: cluster.urls,
      isCluster: true,
      prefix,
      clock: new SystemClock(),
      commandDeadlineMs: 1_000,
    })
    closing.push(() => redis.close())
    await redis.start()
    await eventually('Redis to be up', () => redis.health.isUp())
    const bus = new RedisBus(redis, { probeMs: PROBE_MS })
    closing.push(() => bus.close())
    return { redis, bus }
  }

  /** Nodes on which somebody listens, by how many do. */
  const listeners = async (channel: string) => {
    const counted = await Promise.all(
      cluster.nodes.map(async (node) => {
        const [, count] = (await operate(node.url, 'pubsub', 'shardnumsub', channel)) as [string, number]
        return { node, count: Number(count) }
      }),
    )
    return counted.filter(({ count }) => count > 0)
  }

  it.each(Object.entries(busPortContract))('%s', async (_behaviour, verify) => {
    const prefix = `${randomUUID()}:`
    const [a, b, c] = [await start(prefix), await start(prefix), await start(prefix)]
    await verify({ a: a.bus, b: b.bus, c: c.bus })
  })

  it('loads one node alone, with one connection a process', async () => {
    const prefix = `${randomUUID()}:`
    const [a, b] = [await start(prefix), await start(prefix)]
    const received: string[] = []
    await a.bus.subscribe('topic', () => undefined)
    await b.bus.subscribe('topic', (message) => received.push(message))
    await a.bus.publish('topic', '1')
    await eventually('the message to arrive', () => received.length === 1)
    expect((await listeners(`${prefix}{bus}`)).map(({ count }) => count)).toEqual([2])
  })

  it('knows that it hears while nobody else says anything', async () => {
    const { bus } = await start(`${randomUUID()}:`)
    let gaps = 0
    bus.onGap(() => {
      gaps += 1
    })
    await bus.subscribe('topic', () => undefined)
    await sleep(15 * PROBE_MS)
    expect([bus.hears(), gaps]).toEqual([true, 0])
  })

  it('listens again where its connections were killed, or where its node was killed and came back (faults R1 and R9)', async () => {
    const prefix = `${randomUUID()}:`
    const [a, b] = [await start(prefix), await start(prefix)]
    const received: string[] = []
    let gaps = 0
    b.bus.onGap(() => {
      gaps += 1
    })
    await b.bus.subscribe('topic', (message) => received.push(message))
    const [found] = await listeners(`${prefix}{bus}`)
    const node = found?.node as RedisServer
    const again = async (message: string, deadlineMs: number) => {
      const before = gaps
      return async () => {
        await eventually('the gap to be told', () => gaps > before, deadlineMs)
        await eventually(
          'a message to arrive',
          async () => {
            await a.bus.publish('topic', message).catch(() => undefined)
            return received.includes(message)
          },
          deadlineMs,
        )
      }
    }
    let arrives = await again('"killed connections"', 20_000)
    await operate(node.url, 'client', 'kill', 'type', 'pubsub')
    await arrives()
    arrives = await again('"killed node"', 40_000)
    await node.kill()
    await eventually('it to know that it does not hear', () => !b.bus.hears(), 10_000)
    await node.restart()
    await cluster.isWhole()
    await arrives()
    expect((await listeners(`${prefix}{bus}`)).map(({ count }) => count)).toEqual([1])
  })
})
