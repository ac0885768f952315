import type { ServiceIdentifier } from 'inversify'
import type { Database, PostgresStore, ProcessCount } from '../../../adapters/postgres/index.js'
import type { RedisSessions } from '../../../adapters/redis/index.js'
import type { Parley, ParleyPorts } from '../../../core/parley.js'
import type { BusPort } from '../../../core/ports/bus-port.js'
import type { LockPort } from '../../../core/ports/lock-port.js'
import type { RateLimitPort } from '../../../core/ports/rate-limit-port.js'
import type { NamedCaches } from './caches.js'
import type { Counted } from './counted.js'
import type { RedisSide } from './redis-side.js'

/** A bare Symbol loses its port type, and `get` would then accept any token for any port. */
const token = <T>(name: string) => Symbol(name) as ServiceIdentifier<T>

export const DATABASE = token<Database>('Database')
export const STORE = token<PostgresStore>('PostgresStore')
/** The bus as this process opened it, which is also who closes it. */
export const BUS = token<BusPort & { close(): Promise<void> }>('BusPort')
export const CACHE = token<NamedCaches>('CachePort')
export const LIMITS = token<RateLimitPort>('RateLimitPort')
export const LOCK = token<LockPort>('LockPort')
export const COUNTED = token<Counted>('Counted')
/** Bound where there is a Redis. */
export const REDIS = token<RedisSide>('Redis')
export const REDIS_SESSIONS = token<RedisSessions>('RedisSessions')
export const PROCESSES = token<ProcessCount>('ProcessCount')
export const PARLEY = token<Parley>('Parley')

/** One token a port. */
export const PORT: { readonly [K in keyof ParleyPorts]: ServiceIdentifier<ParleyPorts[K]> } = {
  accounts: token('AccountRepoPort'),
  logins: token('LoginRepoPort'),
  log: token('RoomLogPort'),
  rooms: token('RoomRepoPort'),
  invitations: token('InvitationRepoPort'),
  messages: token('MessageRepoPort'),
  sweep: token('SweepPort'),
  storedSettings: token('SettingsRepoPort'),
  sessions: token('SessionPort'),
  presence: token('PresencePort'),
  cache: CACHE,
  limits: LIMITS,
  localLimits: token('RateLimitPort of this process'),
  bus: BUS,
  mediator: token('MediatorPort'),
  notices: token('NoticePort'),
  passwords: token('PasswordPort'),
  tokens: token('TokenPort'),
  clock: token('ClockPort'),
  ids: token('IdPort'),
}
