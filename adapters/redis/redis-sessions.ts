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

export type RedisSessionsStats = {
  readonly hits: number
  readonly misses: number
  /** Found, but of a login that has ended. */
  readonly staleRefused: number
  readonly fills: number
  /** Misses where something lay that no process with the secret has put there. */
  readonly garbage: number
}

const FIELDS = ['userId', 'loginId', 'connectedAtMs', 'untilMs', 'signature'] as const
type Field = (typeof FIELDS)[number]

const PUT = `redis.call('del', KEYS[1])
redis.call('hset', KEYS[1], unpack(ARGV, 2))
return redis.call('pexpire', KEYS[1], ARGV[1])`

/** Its fields, and how many ms are left of it; nothing where something else lies there. */
const FIND = `local session = redis.pcall('hmget', KEYS[1], '${FIELDS.join("', '")}')
if session.err then return nil end
session[#session + 1] = redis.call('pttl', KEYS[1])
return session`

/**
 * Live sessions of all processes for as long as somebody asks for them: remembered for `ttlMs` after they were put or found, and for
 * `wholeLifeMs` in all. The store behind it has the truth. Whether a login has ended is not asked here but of `hasEnded`, as Redis may
 * have come back from a time when it had not. What nobody with the secret of the connection has put is no session.
 */
export class RedisSessions implements SessionPort {
  private readonly store: ReturnType<RedisConnection['script']>
  private readonly lookUp: ReturnType<RedisConnection['script']>
  private readonly ttlMs: () => number
  private readonly wholeLifeMs: number
  private readonly counts = { hits: 0, misses: 0, staleRefused: 0, fills: 0, garbage: 0 }

  constructor(
    private readonly redis: RedisConnection,
    private readonly hasEnded: (loginId: LoginId) => boolean,
    options: RedisSessionsOptions = {},
  ) {
    this.ttlMs = options.ttlMs ?? (() => DEFAULT_TTL_MS)
    this.wholeLifeMs = options.wholeLifeMs ?? ACCESS_TOKEN_TTL_MS
    this.store = redis.script('parleyPutSession', 1, PUT)
    this.lookUp = redis.script('parleyFindSession', 1, FIND)
  }

  async put({ socketId, userId, loginId, connectedAtMs }: LiveSession): Promise<void> {
    if (this.hasEnded(loginId)) return this.remove(socketId)
    const key = this.key(socketId)
    const untilMs = this.redis.clock.nowMs() + this.wholeLifeMs
    const facts = { userId, loginId, connectedAtMs: String(connectedAtMs), untilMs: String(untilMs) }
    const session: Record<Field, string> = {
      ...facts,
      signature: this.redis.signer.sign(key, ...Object.values(facts)),
    }
    await this.store(PORT, key, Math.min(this.ttlMs(), this.wholeLifeMs), ...Object.entries(session).flat())
    this.counts.fills += 1
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    const key = this.key(socketId)
    const found = this.parse(key, await this.lookUp(PORT, key))
    if (found === null) {
      this.counts.misses += 1
      return null
    }
    const { userId, loginId, connectedAtMs, untilMs, leftMs } = found
    if (this.hasEnded(loginId)) {
      this.counts.staleRefused += 1
      // Whoever asks does not wait for this, nor for what follows; what fails is made good by the end of its life.
      this.remove(socketId).catch(() => undefined)
      return null
    }
    const wholeLeftMs = untilMs - this.redis.clock.nowMs()
    // More is left of one that somebody put whose clock is ahead: it might outlive what is known here of its login.
    if (!(wholeLeftMs > 0 && wholeLeftMs <= this.wholeLifeMs)) {
      this.counts.misses += 1
      return null
    }
    const ttlMs = this.ttlMs()
    // In the second half of its life alone, so that few reads write.
    if (leftMs < ttlMs / 2 && wholeLeftMs > leftMs + 1) {
      const prolongedMs = Math.ceil(Math.min(ttlMs, wholeLeftMs))
      this.redis.call(PORT, (client) => client.pexpire(key, prolongedMs)).catch(() => undefined)
    }
    this.counts.hits += 1
    return { socketId, userId, loginId, connectedAtMs }
  }

  async remove(socketId: SocketId): Promise<void> {
    await this.redis.call(PORT, (client) => client.del(this.key(socketId)))
  }

  stats(): RedisSessionsStats {
    return { ...this.counts }
  }

  /** Null for what is no session, or none of this key. */
  private parse(key: string, reply: unknown) {
    if (!Array.isArray(reply)) return null
    const [userId, loginId, connectedAtMs, untilMs, signature, leftMs] = reply as (string | null)[]
    if (!userId || !loginId || !connectedAtMs || !untilMs || typeof signature !== 'string') return null
    const facts = { userId, loginId, connectedAtMs, untilMs }
    if (!this.redis.signer.isGenuine(signature, key, ...Object.values(facts))) {
      this.counts.garbage += 1
      return null
    }
    return {
      userId,
      loginId,
      connectedAtMs: Number(connectedAtMs),
      untilMs: Number(untilMs),
      leftMs: Number(leftMs),
    }
  }

  private key(socketId: SocketId): string {
    return `${this.redis.prefix}session:{${socketId}}`
  }
}
