import { eventually } from '../contracts/eventually.js'
import { RedisServer } from './redis.js'
import { operate } from './redis-connections.js'

/** How long a master may be silent before the Sentinel calls it dead. */
export const DOWN_AFTER_MS = 1_000
const MASTER_NAME = 'parley-test'
const REDIS_WORD = 'word-of-redis'
const SENTINEL_WORD = 'word-of-sentinel'
/** A Sentinel asks a master who its replicas are each 10 s. */
const KNOWS_WITHIN_MS = 30_000

type Reported = { readonly flags: string | undefined; readonly link: string | undefined }

/** A private master, its replica, and the one Sentinel that watches over them; both kinds have a password of their own. */
export class SentinelSet {
  private constructor(
    readonly nodes: readonly [RedisServer, RedisServer],
    readonly sentinel: RedisServer,
  ) {}

  static async start(): Promise<SentinelSet> {
    const started: RedisServer[] = []
    const start = async (...args: Parameters<typeof RedisServer.start>) => {
      const server = await RedisServer.start(...args)
      started.push(server)
      return server
    }
    try {
      const config = { requirepass: REDIS_WORD, masterauth: REDIS_WORD, 'repl-diskless-sync-delay': '0' }
      const [master, replica] = [await start({ config }), await start({ config })]
      await operate(replica.url, 'replicaof', '127.0.0.1', String(master.port))
      // Before the Sentinel asks for the first time.
      await eventually('the replica to follow its master', async () =>
        String(await operate(replica.url, 'info', 'replication')).includes('master_link_status:up'),
      )
      const sentinel = await start({ config: watching(master), isSentinel: true })
      const set = new SentinelSet([master, replica], sentinel)
      await set.isWhole()
      return set
    } catch (error) {
      for (const server of started) await server.stop()
      throw error
    }
  }

  /** For a connection that writes to database 2. */
  get options() {
    return {
      url: `redis://:${REDIS_WORD}@nowhere.invalid/2`,
      sentinels: { urls: [this.sentinel.url] as [string], masterName: MASTER_NAME },
    }
  }

  /** Whom the Sentinel calls the master. */
  async master(): Promise<RedisServer> {
    const [, port] = (await operate(
      this.sentinel.url,
      'sentinel',
      'get-master-addr-by-name',
      MASTER_NAME,
    )) as [string, string]
    const found = this.nodes.find((node) => node.port === Number(port))
    if (found === undefined) throw new Error('the Sentinel names a master that is none of the set')
    return found
  }

  /** As an operator would, while the master is well: it becomes a replica of the other one. */
  async switchOver(): Promise<void> {
    await operate(this.sentinel.url, 'sentinel', 'failover', MASTER_NAME)
  }

  /** Until the Sentinel finds a master and a replica well. */
  async isWhole(): Promise<void> {
    await eventually(
      'the Sentinel to find the set whole',
      async () => {
        const [replica, ...others] = await this.ask('replicas')
        const [master] = await this.ask('masters')
        return (
          master?.flags === 'master' &&
          others.length === 0 &&
          replica?.flags === 'slave' &&
          replica.link === 'ok'
        )
      },
      KNOWS_WITHIN_MS,
    )
  }

  async stop(): Promise<void> {
    for (const server of [this.sentinel, ...this.nodes]) {
      server.thaw()
      await server.stop()
    }
  }

  private async ask(whom: 'masters' | 'replicas'): Promise<Reported[]> {
    const of = whom === 'masters' ? [] : [MASTER_NAME]
    const reply = (await operate(this.sentinel.url, 'sentinel', whom, ...of)) as string[][]
    return reply.map((fields) => {
      const field = (name: string) => fields[fields.indexOf(name) + 1]
      return { flags: field('flags'), link: field('master-link-status') }
    })
  }
}

const watching = (master: RedisServer): Readonly<Record<string, string>> => ({
  requirepass: SENTINEL_WORD,
  [`sentinel monitor ${MASTER_NAME}`]: `127.0.0.1 ${master.port} 1`,
  [`sentinel auth-pass ${MASTER_NAME}`]: REDIS_WORD,
  [`sentinel down-after-milliseconds ${MASTER_NAME}`]: String(DOWN_AFTER_MS),
  [`sentinel failover-timeout ${MASTER_NAME}`]: '10000',
})
