import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { ClockPort } from '../../core/ports/clock-port.js'
import { RedisHealth, type RedisHealthOptions } from './redis-health.js'

export type RedisConnectionOptions = RedisHealthOptions & {
  /** `redis://` or, over TLS, `rediss://`, with user, password and database where there are such; of a cluster, several nodes. */
  readonly url: string | readonly [string, ...string[]]
  /** Whether the URLs are nodes of a Redis Cluster. */
  readonly isCluster?: boolean
  /** What all keys and channels begin with. Without braces, which would decide the slot of a key. */
  readonly prefix?: string
  /** How long a command may take. */
  readonly commandDeadlineMs?: number
  readonly clock: ClockPort
  /** Told of errors of connections, each of which is mended by itself. */
  readonly onError?: (error: unknown) => void
}

export type RedisClient = Redis | Cluster

const DEFAULTS = { prefix: 'parley:', commandDeadlineMs: 200, isCluster: false }
const CONNECT_TIMEOUT_MS = 1_500
const RECONNECT_MAX_MS = 2_000
/** A connection that has not answered for so many probes may be cut without a word; a new one is better. */
const PROBES_TO_RECONNECT = 4

/** Jittered, and never null: a client that gives up stays away for good. */
const retryDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2)

/**
 * A process's connection to Redis, for commands. A command has a deadline and is sent at once or not at all: what waited out an outage
 * would be carried out after it, when nobody wants it any more.
 */
export class RedisConnection {
  readonly health: RedisHealth
  readonly prefix: string
  readonly isCluster: boolean
  readonly commandDeadlineMs: number
  private readonly client: RedisClient
  private readonly onError: (error: unknown) => void
  private unansweredProbes = 0

  constructor(private readonly options: RedisConnectionOptions) {
    const settings = { ...DEFAULTS, ...options }
    if (/[{}]/.test(settings.prefix)) throw new RangeError('The prefix of keys may not hold braces')
    this.prefix = settings.prefix
    this.isCluster = settings.isCluster
    this.commandDeadlineMs = settings.commandDeadlineMs
    this.onError = options.onError ?? (() => undefined)
    this.client = this.open({
      commandTimeout: settings.commandDeadlineMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    })
    this.health = new RedisHealth(options.clock, () => this.probe(), options)
  }

  /** Begins to connect; resolves when Redis has been found to be there or not, and never rejects. */
  async start(): Promise<void> {
    await this.client.connect().catch(this.onError)
    await this.health.start()
  }

  /** Runs commands; throws PortUnavailable where Redis cannot be asked, at once while it is known to be away. */
  call<T>(port: string, commands: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.health.call(port, () => commands(this.client))
  }

  /**
   * A Lua script by its digest. `keyCount` keys come first among the arguments of a call; in a cluster they have to lie in one slot,
   * that is, to share what stands between braces.
   */
  script(name: string, keyCount: number, lua: string) {
    this.client.defineCommand(name, { numberOfKeys: keyCount, lua })
    const scripted = this.client as unknown as Record<
      string,
      (...args: (string | number)[]) => Promise<unknown>
    >
    return (port: string, ...args: (string | number)[]): Promise<unknown> =>
      this.health.call(port, async () => scripted[name]?.(...args))
  }

  /** A connection of its own that waits for Redis as long as it takes, for subscriptions. */
  openSubscriber(): RedisClient {
    return this.open({ enableOfflineQueue: true, maxRetriesPerRequest: null }, true)
  }

  close(): void {
    this.health.close()
    this.client.disconnect()
  }

  /** A Redis that answers but takes no writes is of no use: a replica after a failover, or one that is full. */
  private async probe(): Promise<void> {
    try {
      await this.client.set(`${this.prefix}probe`, '1', 'PX', 60_000)
      this.unansweredProbes = 0
    } catch (error) {
      this.unansweredProbes += 1
      if (this.unansweredProbes % PROBES_TO_RECONNECT === 0 && this.client.status === 'ready')
        this.client.disconnect(true)
      throw error
    }
  }

  private open(options: RedisOptions, isSubscriber = false): RedisClient {
    const { url, onError = () => undefined } = this.options
    const shared: RedisOptions = {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: retryDelayMs,
      ...options,
    }
    const urls = typeof url === 'string' ? [url] : url
    const client = this.isCluster
      ? new Cluster([...urls], {
          lazyConnect: true,
          enableOfflineQueue: shared.enableOfflineQueue ?? true,
          clusterRetryStrategy: retryDelayMs,
          clusterNodeRetryStrategy: retryDelayMs,
          shardedSubscribers: isSubscriber,
          redisOptions: { ...shared, ...credentialsOf(urls[0] ?? '') },
        })
      : new Redis(urls[0] ?? '', shared)
    // One without a listener ends the process.
    client.on('error', onError)
    return client
  }
}

/** The other nodes of a cluster are found by address alone. */
function credentialsOf(url: string): RedisOptions {
  const { protocol, hostname, username, password } = new URL(url)
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: { servername: hostname } } : {}),
  }
}
