import type { LoginId, SocketId } from '../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'SessionPort'
const DEFAULT_TTL_MS = 5 * 60_000

const FIELDS = ['userId', 'loginId', 'connectedAtMs'] as const

const PUT = `redis.call('del', KEYS[1])
redis.call('hset', KEYS[1], '${FIELDS[0]}', ARGV[2], '${FIELDS[1]}', ARGV[3], '${FIELDS[2]}', ARGV[4])
return redis.call('pexpire', KEYS[1], ARGV[1])`

/** Prolonged in the second half of its life alone, so that few reads write. What is no session is as good as none. */
const FIND = `local session = redis.pcall('hmget', KEYS[1], '${FIELDS.join("', '")}')
if session.err or not session[1] or not session[2] or not session[3] then return nil end
if redis.call('pttl', KEYS[1]) < ARGV[1] / 2 then redis.call('pexpire', KEYS[1], ARGV[1]) end
return session`

/**
 * Live sessions of all processes for as long as somebody asks for them: remembered for `ttlMs` after they were put or found. The store
 * behind it has the truth. Whether a login has ended is not asked here but of `hasEnded`, as Redis may have come back from a time when
 * it had not.
 */
export class RedisSessions implements SessionPort {
  private readonly store: ReturnType<RedisConnection['script']>
  private readonly lookUp: ReturnType<RedisConnection['script']>

  constructor(
    private readonly redis: RedisConnection,
    private readonly hasEnded: (loginId: LoginId) => boolean,
    private readonly ttlMs: () => number = () => DEFAULT_TTL_MS,
  ) {
    this.store = redis.script('parleyPutSession', 1, PUT)
    this.lookUp = redis.script('parleyFindSession', 1, FIND)
  }

  async put({ socketId, userId, loginId, connectedAtMs }: LiveSession): Promise<void> {
    await this.store(PORT, this.key(socketId), this.ttlMs(), userId, loginId, connectedAtMs)
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    const reply = await this.lookUp(PORT, this.key(socketId), this.ttlMs())
    if (!Array.isArray(reply)) return null
    const [userId, loginId, connectedAtMs] = reply.map(String)
    if (userId === undefined || loginId === undefined || this.hasEnded(loginId)) return null
    return { socketId, userId, loginId, connectedAtMs: Number(connectedAtMs) }
  }

  async remove(socketId: SocketId): Promise<void> {
    await this.redis.call(PORT, (client) => client.del(this.key(socketId)))
  }

  private key(socketId: SocketId): string {
    return `${this.redis.prefix}session:{${socketId}}`
  }
}
