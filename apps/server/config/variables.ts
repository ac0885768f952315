export type Variable = {
  /** As an operator would write it; null where nothing is set. */
  readonly default: string | null
  readonly meaning: string
}

/** The environment variables that this version reads, all optional. */
export const VARIABLES = {
  HOST: { default: '127.0.0.1', meaning: 'the address to listen at' },
  PORT: { default: '3000', meaning: 'the port to listen at; `0` takes a free one' },
  DATABASE_URL: { default: null, meaning: 'Postgres; unset: the embedded one' },
  DATABASE_DIRECT_URL: {
    default: null,
    meaning: 'Postgres without a pooler between, for LISTEN and migrations; unset: `DATABASE_URL`',
  },
  REDIS_URL: {
    default: null,
    meaning:
      'Redis, or nodes of a cluster separated by commas, as an accelerator that may be lost; unset: none',
  },
  REDIS_SENTINELS: {
    default: null,
    meaning:
      'Redis Sentinels, separated by commas, who know the master; `REDIS_URL` then says how to log in there; unset: none',
  },
  REDIS_SENTINEL_NAME: {
    default: null,
    meaning: 'what the Sentinels call the master; required with `REDIS_SENTINELS`',
  },
  PARLEY_REDIS_PREFIX: { default: 'parley:', meaning: 'what all keys and channels in Redis begin with' },
  PARLEY_DATA_DIR: { default: './data', meaning: 'holds the embedded database and generated secrets' },
  PARLEY_AUTH_SECRET: {
    default: null,
    meaning:
      'signs access tokens, at least 32 bytes; unset: generated once into the data directory; required with `DATABASE_URL` or `NODE_ENV=production`',
  },
  PARLEY_ADMIN_TOKEN: { default: null, meaning: 'opens the administrator calls; unset: they are off' },
  PARLEY_PUBLIC_URL: {
    default: null,
    meaning: "where browsers find the server; unset: the server's own address",
  },
  PARLEY_ORIGINS: { default: null, meaning: 'further browser origins to allow, exact, separated by commas' },
  PARLEY_TRUSTED_PROXIES: {
    default: null,
    meaning: 'addresses or networks whose `X-Forwarded-*` headers count, separated by commas; unset: none',
  },
  PARLEY_METRICS_TOKEN: { default: null, meaning: 'opens `/metrics`; unset: it answers on loopback only' },
  PARLEY_SESSION_MAX_DAYS: { default: '30', meaning: 'absolute lifetime of a login' },
  PARLEY_LIMIT_FACTOR: { default: '1', meaning: 'multiplies every rate limit' },
  PARLEY_TTL_SESSION_MS: { default: '300000', meaning: 'how long a live session is remembered' },
  PARLEY_TTL_MESSAGES_MS: {
    default: '120000',
    meaning: 'how long the newest messages of a room are remembered',
  },
  PARLEY_CACHE_MAX_ENTRIES: {
    default: '10000',
    meaning:
      'how many entries each of the four caches in memory holds, of sessions, members, messages and others',
  },
  PARLEY_CACHE_MAX_MB: { default: '32', meaning: 'how many MiB each of them takes, about' },
  LOG_LEVEL: { default: 'info', meaning: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`' },
} as const satisfies Record<string, Variable>

export type VariableName = keyof typeof VARIABLES

/** Known names whose feature this version does not have; setting one must not look as if it worked. */
export const LATER_VARIABLES = /^(PARLEY_TTL_(VERDICT|THREADS)_MS|MEDIATOR_[A-Z_]+)$/
