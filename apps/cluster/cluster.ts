import { generatedSecret } from '../server/config/secrets.js'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../server/embedded-postgres/index.js'
import { originsAt } from '../server/http/origins.js'
import type { Backend } from './balancer/backends.js'
import { Balancer } from './balancer/balancer.js'
import { watchReadiness } from './balancer/watch-readiness.js'
import { KeptProcess } from './kept-process.js'
import type { ClusterOptions } from './options.js'
import { isRedisInstalled, PrivateRedis } from './private-redis.js'
import { launchServer, serverServes } from './server-instance.js'

/** An instance drains for some seconds. It is cut after this long, so that all is down within 30 s. */
const INSTANCE_PATIENCE_MS = 18_000
const REDIS_PATIENCE_MS = 2_000
/** Ten for calls, some for the bus and migrations, and those of an instance that was killed a moment ago. */
const CONNECTIONS_PER_INSTANCE = 15
const CONNECTIONS_BESIDES = 20

/** Servers on one embedded Postgres and one Redis, behind a balancer: what runs on several machines, on one. */
export class Cluster {
  private readonly balancer: Balancer
  /** How what has been started, or begun to be, is stopped. */
  private readonly parts: (() => Promise<void>)[] = []
  private stopped: Promise<void> | null = null

  /** `environment`: what the servers are given besides their own. */
  constructor(
    private readonly options: ClusterOptions,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly say: (line: string) => void,
    /** The data directory belongs to another server now. */
    private readonly onLost: () => void,
  ) {
    this.balancer = new Balancer(options.config.trustedProxies)
  }

  /** Answers the URL of the balancer, once every instance is ready. What it has started before it rejects is for `stop` to end. */
  async start(): Promise<string> {
    const { config } = this.options
    this.parts.push(() => this.balancer.close())
    const port = await this.balancer.listen(config.host, config.port)
    const postgres = await this.startPostgres()
    const redisUrl = await this.startRedis()
    const environment = {
      ...this.environment,
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: postgres.url,
      PARLEY_AUTH_SECRET: config.authSecret ?? (await generatedSecret(config.dataDir, 'auth-secret')),
      PARLEY_TRUSTED_PROXIES: 'loopback',
      PARLEY_ORIGINS: [...config.origins, ...originsAt(config.host, port)].join(','),
      ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    }
    await this.startInstances(environment)
    return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  }

  /** Ends everything, in the reverse order; also while it starts. */
  stop(): Promise<void> {
    this.stopped ??= this.stopParts()
    return this.stopped
  }

  private async stopParts(): Promise<void> {
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop()) await part()
  }

  private async startPostgres(): Promise<EmbeddedPostgres> {
    const { config, instances } = this.options
    const connections = instances * CONNECTIONS_PER_INSTANCE + CONNECTIONS_BESIDES
    const start = () =>
      startEmbeddedPostgres({
        dataDir: config.dataDir,
        log: this.say,
        settings: { max_connections: String(connections) },
      })
    let starting = start()
    this.parts.push(async () => (await starting.catch(() => null))?.stop())
    const found = await starting
    if (found.adopted && !this.isStopping) {
      // Left by a process that was killed, and perhaps with fewer connections.
      await found.stop()
      starting = start()
    }
    const postgres = await starting
    postgres.onLost(({ final }) => {
      if (final) this.onLost()
    })
    return postgres
  }

  /** Answers its URL, or null where there is none. */
  private async startRedis(): Promise<string | null> {
    if (!(await isRedisInstalled())) {
      this.say('Without Redis: there is no redis-server on the PATH.')
      return null
    }
    const redis = await PrivateRedis.prepare()
    await this.keep(
      [
        new KeptProcess({
          name: 'Redis',
          launch: () => redis.launch(),
          serves: (child) => redis.serves(child),
          onUp: (address, pid) => this.say(`Redis: ${address} (pid ${pid}).`),
          onDown: () => undefined,
          say: this.say,
        }),
      ],
      REDIS_PATIENCE_MS,
    )
    return redis.url
  }

  private async startInstances(environment: NodeJS.ProcessEnv): Promise<void> {
    const numbers = Array.from({ length: this.options.instances }, (_, index) => index + 1)
    await this.keep(
      numbers.map((number) => this.instance(number, environment)),
      INSTANCE_PATIENCE_MS,
    )
  }

  private instance(number: number, environment: NodeJS.ProcessEnv): KeptProcess {
    const { backends } = this.balancer
    const name = `Instance ${number}`
    let present: { readonly backend: Backend; readonly watch: AbortController } | null = null
    return new KeptProcess({
      name,
      launch: () => launchServer(environment),
      serves: (child) => serverServes(child, (line) => this.say(`[${number}] ${line}`)),
      onUp: (url, pid) => {
        const backend = { url, isReady: true }
        const watch = new AbortController()
        present = { backend, watch }
        backends.add(backend)
        void watchReadiness(backend, watch.signal)
        this.say(`${name}: ${url} (pid ${pid}).`)
      },
      onDown: () => {
        if (present === null) return
        present.watch.abort()
        backends.remove(present.backend)
      },
      say: this.say,
    })
  }

  private async keep(processes: readonly KeptProcess[], patienceMs: number): Promise<void> {
    if (this.isStopping) throw new Error('The cluster is being stopped')
    this.parts.push(async () => {
      await Promise.all(processes.map((kept) => kept.stop(patienceMs)))
    })
    await Promise.all(processes.map((kept) => kept.start()))
  }

  private get isStopping(): boolean {
    return this.stopped !== null
  }
}
