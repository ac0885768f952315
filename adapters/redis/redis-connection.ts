import { isIP } from 'node:net'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { ClockPort } from '../../core/ports/clock-port.js'
import { clusterProbeKeys } from './cluster-probe-keys.js'
import { withinDeadline } from './deadline.js'
import { RedisHealth, type RedisHealthOptions } from './redis-health.js'
import { type RedisSentinels, saysAllFailed, throughSentinels } from './redis-sentinels.js'
import { Signer } from './signer.js'

export type RedisConnectionOptions = RedisHealthOptions & {
  /** `redis://` or, over TLS, `rediss://`, with user, password and database where there are such; of a cluster, several nodes. */
  readonly url: string | readonly [string, ...string[]]
  /** Whether the URLs are nodes of a Redis Cluster. */
  readonly isCluster?: boolean
  /** Who knows which server is the master; then the URL says how to log in there, and over TLS whose certificate it has, but not where. */
  readonly sentinels?: RedisSentinels
  /** Whom to trust over TLS, in PEM; else those that Node trusts. */
  readonly ca?: string
  /** What all keys and channels begin with. Without braces, which would decide the slot of a key. */
  readonly prefix?: string
  /**
   * What the processes on one Redis share and nobody else has, as the secret of access tokens; 32 random bytes or more. By it they know what
   * one of them has cached, remembered or published. Without it whoever may write to Redis is believed: that somebody is a member of a room,
   * what is in it, and who is behind a socket.
   */
  readonly secret?: string
  /** How long a command may take. */
  readonly commandDeadlineMs?: number
  readonly clock: ClockPort
  /** Told of errors of connections, each of which is mended by itself. */
  readonly onError?: (error: unknown) => void
}

export type RedisClient = Redis | Cluster

type Argument = string | number | Buffer
type Scripted = Record<string, (...args: Argument[]) => Promise<unknown>>

const DEFAULTS = { prefix: 'parley:', commandDeadlineMs: 200, isCluster: false }
const CONNECT_TIMEOUT_MS = 1_500
const RECONNECT_MAX_MS = 2_000
/** How often a client asks a Redis that is loading whether it has ended. */
const LOADING_RETRY_MS = 1_000
/** How often a cluster is asked who has which slots; else only a redirection tells. */
const SLOTS_REFRESH_MS = 5_000
/**
 * After so many failed probes a new connection may do better: the old one may have been cut without a word, or lead to a node that has
 * become a replica.
 */
const PROBES_TO_RENEW = 4

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
  readonly clock: ClockPort
  readonly signer: Signer
  private client: RedisClient
  private readonly scripts = new Map<string, { readonly lua: string; readonly numberOfKeys: number }>()
  private readonly onError: (error: unknown) => void
  private hasTold = false
  private failedProbes = 0
  private closed = false

  constructor(private readonly options: RedisConnectionOptions) {
    const settings = { ...DEFAULTS, ...options }
    if (/[{}]/.test(settings.prefix)) throw new RangeError('The prefix of keys may not hold braces')
    if (settings.isCluster && options.sentinels) throw new RangeError('A cluster has no sentinels')
    this.prefix = settings.prefix
    this.isCluster = settings.isCluster
    this.commandDeadlineMs = settings.commandDeadlineMs
    this.clock = options.clock
    this.signer = new Signer(options.secret)
    this.onError = (error) => {
      this.hasTold = true
      options.onError?.(error)
    }
    this.client = this.openForCommands()
    this.health = new RedisHealth(options.clock, () => this.probe(), options)
  }

  /** Begins to connect; resolves within 2 s, when Redis has been found to be there or not, and never rejects. */
  async start(): Promise<void> {
    // While Redis loads, ioredis waits for it to end.
    await withinDeadline(CONNECT_TIMEOUT_MS, this.client.connect()).catch((error: unknown) => {
      // That it did not connect says less than why, which was told before it.
      if (!this.hasTold) this.onError(error)
    })
    await this.health.start()
  }

  /**
   * Runs commands, all within one deadline; throws PortUnavailable where Redis cannot be asked, at once while it is known to be away.
   */
  call<T>(port: string, commands: (client: RedisClient) => Promise<T>): Promise<T> {
    return this.health.call(port, () => withinDeadline(this.commandDeadlineMs, commands(this.client)))
  }

  /**
   * A Lua script by its digest. `keyCount` keys come first among the arguments of a call; in a cluster they have to lie in one slot,
   * that is, to share what stands between braces. Strings in its answers are decoded, or left as the bytes that they are.
   */
  script(name: string, keyCount: number, lua: string, answers: 'text' | 'bytes' = 'text') {
    const definition = { numberOfKeys: keyCount, lua }
    this.scripts.set(name, definition)
    this.client.defineCommand(name, definition)
    // ioredis defines both.
    const command = answers === 'bytes' ? `${name}Buffer` : name
    return (port: string, ...args: Argument[]): Promise<unknown> =>
      this.call(port, async (client) => (client as unknown as Scripted)[command]?.(...args))
  }

  /**
   * A connection of its own that waits for Redis as long as it takes, for subscriptions. One to a single Redis has forgotten them
   * whenever it is ready again; that of a cluster subscribes again by itself.
   */
  openSubscriber(): RedisClient {
    return this.open({ enableOfflineQueue: true, maxRetriesPerRequest: null }, true)
  }

  close(): void {
    this.closed = true
    this.health.close()
    this.client.disconnect()
  }

  /**
   * A Redis that answers but takes no writes is of no use: a replica after a failover, or one that is full. A cluster is of use while
   * all its masters are: what rests on several keys would not know which of them it may use.
   */
  private async probe(): Promise<void> {
    const { client, prefix } = this
    const keys = client instanceof Cluster ? clusterProbeKeys(client, prefix) : [`${prefix}probe`]
    try {
      const probes = Promise.all(keys.map((key) => client.set(key, '1', 'PX', 60_000)))
      await withinDeadline(this.commandDeadlineMs, probes)
      this.failedProbes = 0
    } catch (error) {
      this.failedProbes += 1
      if (this.failedProbes % PROBES_TO_RENEW === 0 && !this.closed) this.renew()
      throw error
    }
  }

  /** Not `disconnect(true)`: a cluster client's nodes that close late take those that came after them out of its pool. */
  private renew(): void {
    const former = this.client
    // A single connection that is not ready is being made anew already.
    if (former instanceof Redis && former.status !== 'ready') return
    this.client = this.openForCommands()
    for (const [name, definition] of this.scripts) this.client.defineCommand(name, definition)
    former.disconnect()
    this.client.connect().catch(this.onError)
  }

  private openForCommands(): RedisClient {
    return this.open({
      // Ours comes first; this one rids the client of what nobody waits for.
      commandTimeout: 2 * this.commandDeadlineMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    })
  }

  private open(options: RedisOptions, isSubscriber = false): RedisClient {
    const { url, sentinels, ca } = this.options
    const urls = typeof url === 'string' ? [url] : url
    const shared: RedisOptions = {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxLoadingRetryTime: LOADING_RETRY_MS,
      retryStrategy: retryDelayMs,
      ...tlsOf(urls[0] ?? '', ca, this.isCluster || sentinels !== undefined),
      ...options,
    }
    const client = this.isCluster
      ? new Cluster([...urls], {
          lazyConnect: true,
          enableOfflineQueue: shared.enableOfflineQueue ?? true,
          clusterRetryStrategy: retryDelayMs,
          slotsRefreshInterval: SLOTS_REFRESH_MS,
          shardedSubscribers: isSubscriber,
          // A command that is sent again after its deadline would be carried out when nobody wants it.
          ...(isSubscriber ? {} : { retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 }),
          redisOptions: { ...shared, ...credentialsOf(urls[0] ?? '') },
        })
      : // By itself it would subscribe again, and end the process where that is refused.
        new Redis(urls[0] ?? '', {
          ...shared,
          autoResubscribe: !isSubscriber,
          ...(sentinels === undefined
            ? {}
            : throughSentinels(sentinels, { ca, timeoutMs: CONNECT_TIMEOUT_MS, retryDelayMs })),
        })
    // One without a listener ends the process.
    client.on('error', (error: unknown) => {
      if (!saysAllFailed(error)) this.onError(error)
    })
    client.on('sentinelError', this.onError)
    return client
  }
}

/** The other nodes of a cluster, and a master, are found by address alone; their certificates bear the name of all, where there is one. */
function tlsOf(url: string, ca: string | undefined, isFoundByAddress: boolean): RedisOptions {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'rediss:') return {}
  return {
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(isFoundByAddress && isIP(hostname) === 0 ? { servername: hostname } : {}),
    },
  }
}

/** The other nodes of a cluster are found by address alone. */
function credentialsOf(url: string): RedisOptions {
  const { username, password } = new URL(url)
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
}
