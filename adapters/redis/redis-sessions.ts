import { ACCESS_TOKEN_TTL_MS } from '../../core/domain/account.js'
import type { LoginId, SocketId } from '../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'SessionPort'
const DEFAULT_TTL_MS = 5 * 60_000

export type RedisSessionsOptions = {
  /** How long a session is remembered after it was put or found. */
  readonly ttlMs?: () => number
  /**
   * How long after it was put, at most. Not longer than `hasEnded` remembers, so that a session does not outlive what is known of its
   * login.
   */
  readonly wholeLifeMs?: number
}

const FIELDS = ['userId', 'loginId', 'connectedAtMs', 'untilMs'] as const

const NOW = `local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

const PUT = `${NOW}
redis.call('del', KEYS[1])
redis.call('hset', KEYS[1], '${FIELDS[0]}', ARGV[3], '${FIELDS[1]}', ARGV[4], '${FIELDS[2]}', ARGV[5],
  '${FIELDS[3]}', string.format('%.0f', now + ARGV[2]))
return redis.call('pexpire', KEYS[1], math.min(ARGV[1], ARGV[2]))`

/**
 * The session, and whether it is to be prolonged: in the second half of its life alone, so that few reads write. What is no session is
 * as good as none.
 */
const FIND = `local session = redis.pcall('hmget', KEYS[1], '${FIELDS.join("', '")}')
if session.err or not session[1] or not session[2] or not session[3] then return nil end
local untilMs = tonumber(session[4])
if not untilMs then return nil end
${NOW}
local left = redis.call('pttl', KEYS[1])
local isDue = left < ARGV[1] / 2 and untilMs - now > left + 1
return {session[1], session[2], session[3], isDue and 1 or 0}`

const PROLONG = `local untilMs = tonumber(redis.call('hget', KEYS[1], '${FIELDS[3]}') or nil)
if not untilMs then return 0 end
${NOW}
return redis.call('pexpire', KEYS[1], math.min(ARGV[1], math.max(1, untilMs - now)))`

/**
 * Live sessions of all processes for as long as somebody asks for them: remembered for `ttlMs` after they were put or found, and for
 * `wholeLifeMs` in all. The store behind it has the truth. Whether a login has ended is not asked here but of `hasEnded`, as Redis may
 * have come back from a time when it had not.
 */
export class RedisSessions implements SessionPort {
  private readonly store: ReturnType<RedisConnection['script']>
  private readonly lookUp: ReturnType<RedisConnection['script']>
  private readonly prolong: ReturnType<RedisConnection['script']>
  private readonly ttlMs: () => number
  private readonly wholeLifeMs: number

  constructor(
    private readonly redis: RedisConnection,
    private readonly hasEnded: (loginId: LoginId) => boolean,
    options: RedisSessionsOptions = {},
  ) {
    this.ttlMs = options.ttlMs ?? (() => DEFAULT_TTL_MS)
    this.wholeLifeMs = options.wholeLifeMs ?? ACCESS_TOKEN_TTL_MS
    this.store = redis.script('parleyPutSession', 1, PUT)
    this.lookUp = redis.script('parleyFindSession', 1, FIND)
    this.prolong = redis.script('parleyProlongSession', 1, PROLONG)
  }

  async put({ socketId, userId, loginId, connectedAtMs }: LiveSession): Promise<void> {
    if (this.hasEnded(loginId)) return this.remove(socketId)
    const [ttlMs, wholeLifeMs] = [this.ttlMs(), this.wholeLifeMs]
    await this.store(PORT, this.key(socketId), ttlMs, wholeLifeMs, userId, loginId, connectedAtMs)
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    const reply = await this.lookUp(PORT, this.key(socketId), this.ttlMs())
    if (!Array.isArray(reply)) return null
    const [userId, loginId, connectedAtMs, isDue] = reply.map(String)
    if (userId === undefined || loginId === undefined) return null
    if (this.hasEnded(loginId)) {
      // Whoever asks does not wait for this, nor for what follows; what fails is made good by the end of its life.
      this.remove(socketId).catch(() => undefined)
      return null
    }
    if (isDue === '1') this.prolong(PORT, this.key(socketId), this.ttlMs()).catch(() => undefined)
    return { socketId, userId, loginId, connectedAtMs: Number(connectedAtMs) }
  }

  async remove(socketId: SocketId): Promise<void> {
    await this.redis.call(PORT, (client) => client.del(this.key(socketId)))
  }

  private key(socketId: SocketId): string {
    return `${this.redis.prefix}session:{${socketId}}`
  }
}
