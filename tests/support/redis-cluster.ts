import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer } from './redis.js'
import { operate } from './redis-connections.js'

const SLOTS = 16_384
const MASTERS = 3
/** How long a master may be silent before the others call it dead. */
export const NODE_TIMEOUT_MS = 2_000
const JOINS_WITHIN_MS = 30_000

/** Three private masters without replicas, each with a third of the slots. */
export class RedisCluster {
  private constructor(readonly nodes: readonly [RedisServer, ...RedisServer[]]) {}

  static async start(config: Readonly<Record<string, string>> = {}): Promise<RedisCluster> {
    const settings = {
      'cluster-enabled': 'yes',
      'cluster-node-timeout': String(NODE_TIMEOUT_MS),
      ...config,
    }
    const nodes: RedisServer[] = []
    try {
      for (let node = 0; node < MASTERS; node += 1) nodes.push(await RedisServer.start({ config: settings }))
      const cluster = new RedisCluster(nodes as [RedisServer, ...RedisServer[]])
      await cluster.join()
      return cluster
    } catch (error) {
      for (const node of nodes) await node.stop()
      throw error
    }
  }

  get urls(): readonly [string, ...string[]] {
    return this.nodes.map((node) => node.url) as [string, ...string[]]
  }

  /** Until all nodes agree that all slots are served. */
  async isWhole(): Promise<void> {
    const deadlineMs = Date.now() + JOINS_WITHIN_MS
    for (const { url } of this.nodes)
      for (;;) {
        const info = String(await operate(url, 'cluster', 'info').catch(() => ''))
        const slots = (await operate(url, 'cluster', 'slots').catch(() => [])) as unknown[]
        if (info.includes('cluster_state:ok') && slots.length === MASTERS) break
        if (Date.now() > deadlineMs) throw new Error('the nodes form no cluster')
        await sleep(50)
      }
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      node.thaw()
      await node.stop()
    }
  }

  private async join(): Promise<void> {
    const [first] = this.nodes
    for (const [index, { url, port }] of this.nodes.entries()) {
      const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / MASTERS)) as [number, number]
      await operate(url, 'cluster', 'set-config-epoch', String(index + 1))
      await operate(url, 'cluster', 'addslotsrange', String(from), String(to - 1))
      if (index > 0) await operate(first.url, 'cluster', 'meet', '127.0.0.1', String(port))
    }
    await this.isWhole()
  }
}
