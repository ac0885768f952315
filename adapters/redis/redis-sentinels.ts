import type { RedisOptions } from 'ioredis'

export type RedisSentinels = {
  /** `redis://` or, over TLS, `rediss://`; with the same user and password at all, where they ask for one. */
  readonly urls: readonly [string, ...string[]]
  /** What they call the master. */
  readonly masterName: string
}

type Access = {
  /** Whom to trust over TLS, in PEM; else those that Node trusts. */
  readonly ca: string | undefined
  /** For connecting to one of them, and for its answer. */
  readonly timeoutMs: number
  /** Before all are asked again; must never be null, which would be the end of the client. */
  readonly retryDelayMs: (attempt: number) => number
}

const DEFAULT_PORT = 26_379

/** A client that asks them for the master each time it connects, and does not take a replica for one. */
export function throughSentinels({ urls, masterName }: RedisSentinels, access: Access): RedisOptions {
  const { ca, timeoutMs, retryDelayMs } = access
  const { protocol, username, password } = new URL(urls[0])
  return {
    sentinels: urls.map(addressOf),
    name: masterName,
    role: 'master',
    ...(username === '' ? {} : { sentinelUsername: decodeURIComponent(username) }),
    ...(password === '' ? {} : { sentinelPassword: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { sentinelTLS: ca === undefined ? {} : { ca } } : {}),
    // Of the master's connection, which else is open whatever its URL says.
    enableTLSForSentinelMode: true,
    // Without one, a sentinel that stands still is waited for as long as it does.
    sentinelCommandTimeout: timeoutMs,
    sentinelRetryStrategy: retryDelayMs,
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) || DEFAULT_PORT }
}

/** What ioredis says after what it has told of each; also where they answered, and knew no such master. */
export const saysAllFailed = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('All sentinels are unreachable')
