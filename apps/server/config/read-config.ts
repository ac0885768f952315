import { LIFETIME_MS } from '../../../core/domain/cache-lifetimes.js'
import {
  baseUrl,
  host,
  integer,
  networks,
  number,
  oneOf,
  origins,
  postgresUrl,
  type Reading,
  type RedisUrls,
  redisPrefix,
  redisSentinelName,
  redisSentinels,
  redisUrls,
  secret,
  text,
  token,
} from './values.js'
import { LATER_VARIABLES, VARIABLES, type VariableName } from './variables.js'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Without a password, without TLS, and database 0. */
const PLAIN_LOGIN = 'redis://'
const lifetime = integer(LIFETIME_MS.min, LIFETIME_MS.max)

const MIB = 1_024 * 1_024

/** Everything that an operator decides. */
export type ServerConfig = {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Null: the embedded Postgres. */
  readonly databaseUrl: string | null
  /** Set whenever `databaseUrl` is. */
  readonly databaseDirectUrl: string | null
  /** Null: none. Beside sentinels there is one, which says how to log in to the master, and not where. */
  readonly redisUrls: RedisUrls | null
  readonly redisSentinels: { readonly urls: RedisUrls; readonly masterName: string } | null
  readonly redisPrefix: string
  readonly dataDir: string
  /** Null: the one generated into the data directory. */
  readonly authSecret: string | null
  /** Null: administrator calls are off. */
  readonly adminToken: string | null
  /** An origin, without a slash at the end. */
  readonly publicUrl: string | null
  readonly origins: readonly string[]
  readonly trustedProxies: readonly string[]
  /** Null: `/metrics` answers on loopback only. */
  readonly metricsToken: string | null
  readonly sessionMaxMs: number
  readonly limitFactor: number
  /** How long caches keep what they hold. */
  readonly lifetimes: { readonly sessionMs: number; readonly messagesMs: number }
  /** Of each cache in the memory of the process. */
  readonly cacheBounds: { readonly maxEntries: number; readonly maxBytes: number }
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

type Environment = Readonly<Record<string, string | undefined>>

/** Takes values from the environment and collects what is wrong with them, one line each. */
class Reader {
  readonly mistakes: string[] = []

  constructor(private readonly env: Environment) {}

  read<T>(name: VariableName, as: (text: string) => Reading<T>): T | null {
    // An empty value is how compose files and shells say "unset".
    const raw = this.env[name] || VARIABLES[name].default
    if (raw === null) return null
    const reading = as(raw)
    if ('value' in reading) return reading.value
    this.mistakes.push(`${name} ${reading.mistake}`)
    return null
  }

  /** For a variable that has a default; null only after a mistake, when the whole reading is refused. */
  must<T>(name: VariableName, as: (text: string) => Reading<T>, otherwise: T): T {
    return this.read(name, as) ?? otherwise
  }
}

/** Reads the whole configuration, or tells every mistake in it. Values are not repeated in the lines: some are secrets. */
export function readConfig(
  env: Environment,
): { readonly config: ServerConfig } | { readonly mistakes: readonly string[] } {
  const reader = new Reader(env)
  const production = env.NODE_ENV === 'production'
  const databaseUrl = reader.read('DATABASE_URL', postgresUrl)
  const databaseDirectUrl = reader.read('DATABASE_DIRECT_URL', postgresUrl)
  const sentinels = sentinelsOf(reader)
  const config: ServerConfig = {
    host: reader.must('HOST', host, ''),
    port: reader.must('PORT', integer(0, 65_535), 0),
    databaseUrl,
    databaseDirectUrl: databaseDirectUrl ?? databaseUrl,
    redisUrls:
      reader.read('REDIS_URL', redisUrls) ?? (sentinels === null || env.REDIS_URL ? null : [PLAIN_LOGIN]),
    redisSentinels: sentinels,
    redisPrefix: reader.must('PARLEY_REDIS_PREFIX', redisPrefix, ''),
    dataDir: reader.must('PARLEY_DATA_DIR', text, ''),
    authSecret: reader.read('PARLEY_AUTH_SECRET', secret),
    adminToken: reader.read('PARLEY_ADMIN_TOKEN', token(production ? 32 : 8)),
    publicUrl: reader.read('PARLEY_PUBLIC_URL', baseUrl),
    origins: reader.read('PARLEY_ORIGINS', origins) ?? [],
    trustedProxies: reader.read('PARLEY_TRUSTED_PROXIES', networks) ?? [],
    metricsToken: reader.read('PARLEY_METRICS_TOKEN', token(production ? 32 : 8)),
    sessionMaxMs: reader.must('PARLEY_SESSION_MAX_DAYS', number(0, 3_650), 0) * 86_400_000,
    limitFactor: reader.must('PARLEY_LIMIT_FACTOR', number(0, 1_000_000), 1),
    lifetimes: {
      sessionMs: reader.must('PARLEY_TTL_SESSION_MS', lifetime, LIFETIME_MS.min),
      messagesMs: reader.must('PARLEY_TTL_MESSAGES_MS', lifetime, LIFETIME_MS.min),
    },
    cacheBounds: {
      maxEntries: reader.must('PARLEY_CACHE_MAX_ENTRIES', integer(1, 10_000_000), 1),
      maxBytes: reader.must('PARLEY_CACHE_MAX_MB', integer(1, 65_536), 1) * MIB,
    },
    logLevel: reader.must('LOG_LEVEL', oneOf(LOG_LEVELS), 'info'),
  }
  const mistakes = [
    ...reader.mistakes,
    ...contradictions(env, production),
    ...redisContradictions(env, config),
    ...openRedis(config, production),
    ...foreignNames(env),
  ]
  return mistakes.length === 0 ? { config } : { mistakes }
}

function contradictions(env: Environment, production: boolean): string[] {
  const needsSecret = production || env.DATABASE_URL
  const reason = production ? 'NODE_ENV=production' : 'DATABASE_URL'
  return [
    ...(needsSecret && !env.PARLEY_AUTH_SECRET
      ? [`PARLEY_AUTH_SECRET is required with ${reason}: all instances sign with the same one`]
      : []),
    ...(env.DATABASE_DIRECT_URL && !env.DATABASE_URL
      ? ['DATABASE_DIRECT_URL needs DATABASE_URL beside it']
      : []),
  ]
}

function sentinelsOf(reader: Reader): ServerConfig['redisSentinels'] {
  const urls = reader.read('REDIS_SENTINELS', redisSentinels)
  const masterName = reader.read('REDIS_SENTINEL_NAME', redisSentinelName)
  return urls === null || masterName === null ? null : { urls, masterName }
}

function redisContradictions(env: Environment, { redisUrls }: ServerConfig): string[] {
  const { REDIS_URL, REDIS_SENTINELS, REDIS_SENTINEL_NAME, PARLEY_REDIS_PREFIX } = env
  return [
    ...(REDIS_SENTINELS && !REDIS_SENTINEL_NAME
      ? ['REDIS_SENTINELS needs REDIS_SENTINEL_NAME beside it: what they call the master']
      : []),
    ...(REDIS_SENTINEL_NAME && !REDIS_SENTINELS
      ? ['REDIS_SENTINEL_NAME needs REDIS_SENTINELS beside it']
      : []),
    ...(REDIS_SENTINELS && redisUrls !== null && redisUrls.length > 1
      ? ['REDIS_SENTINELS cannot go with several nodes in REDIS_URL: a cluster has no sentinels']
      : []),
    ...(PARLEY_REDIS_PREFIX && !REDIS_URL && !REDIS_SENTINELS
      ? ['PARLEY_REDIS_PREFIX needs REDIS_URL or REDIS_SENTINELS beside it']
      : []),
  ]
}

/** Whoever reaches a Redis without a password can make every process believe what they like. */
function openRedis({ redisUrls, redisSentinels: sentinels }: ServerConfig, production: boolean): string[] {
  const isOpen = (redisUrls ?? []).some((url) => {
    // A master that sentinels find is taken to be where they are.
    const hosts = (sentinels?.urls ?? [url]).map((each) => new URL(each).hostname)
    return new URL(url).password === '' && !hosts.every((name) => LOOPBACK.test(name))
  })
  return production && isOpen ? ['REDIS_URL needs a password with NODE_ENV=production, but on loopback'] : []
}

/** Read by the measurements of this project; a shell that runs both must not keep the server from starting. */
const NOT_FOR_THE_SERVER = new Set(['PARLEY_EVAL_DATA'])

/** A misspelt name, or one of a later version, would otherwise be a setting that silently does nothing. */
function foreignNames(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || name in VARIABLES || NOT_FOR_THE_SERVER.has(name)) return []
    if (LATER_VARIABLES.test(name)) return [`${name} is for a later version: this one cannot use it`]
    return name.startsWith('PARLEY_') ? [`${name} is not a variable of Parley`] : []
  })
}
