import { ACCESS_TOKEN_TTL_MS } from '../../domain/account.js'
import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { SocketId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { LiveSession, SessionPort } from '../../ports/session-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { SingleFlight } from '../single-flight.js'
import { type LiveSocket, type LiveSockets, sessionKey } from './live-sockets.js'

type Ports = {
  sessions: SessionPort
  cache: CachePort
  loginFeed: LoginFeed
  liveSockets: LiveSockets
  clock: ClockPort
  settings: { readonly lifetimes: Readonly<CacheLifetimes> }
}

/**
 * How long what the store has said of a session is used, at most, whatever lifetime is set: not as long as ended logins are known for, so
 * that none outlives what is known of its login.
 */
const USED_FOR_MS = ACCESS_TOKEN_TTL_MS

/** A session does not change while it lasts. One that is not there may be by now. */
const versionOf = (session: LiveSession | null): number => (session === null ? 0 : 1)
const THERE = 1

/**
 * Who is behind a socket of any process: known here, remembered, or asked of the store. It identifies and admits nobody; for
 * as long as a session is remembered it may be told of a socket that has closed elsewhere, never of a login that has ended.
 */
export class FindUserBySocket {
  private readonly flight = new SingleFlight(versionOf)

  constructor(private readonly ports: Ports) {}

  async execute(input: { readonly socketId: SocketId }): Promise<Result<LiveSocket, Refusal>> {
    const { loginFeed, liveSockets } = this.ports
    const { socketId } = input
    const socket =
      liveSockets.get(socketId) ??
      (await this.remembered(socketId)) ??
      (await this.flight.load(socketId, THERE, () => this.stored(socketId)))
    if (socket === null || (socket.loginId !== null && loginFeed.hasEnded(socket.loginId))) return notFound()
    return ok(socket)
  }

  /** What is remembered has the time when the store was asked as its version. */
  private async remembered(socketId: SocketId): Promise<LiveSession | null> {
    const { cache, clock } = this.ports
    const nowMs = clock.nowMs()
    const cached = await cache.get<LiveSession>(sessionKey(socketId), nowMs - USED_FOR_MS)
    // One from later than now: the clock was set back.
    return cached !== null && cached.version <= nowMs ? cached.value : null
  }

  private async stored(socketId: SocketId): Promise<LiveSession | null> {
    const { sessions, cache, clock, settings } = this.ports
    const askedAtMs = clock.nowMs()
    const session = await sessions.find(socketId)
    if (session !== null)
      await cache.put(sessionKey(socketId), askedAtMs, session, settings.lifetimes.sessionMs)
    return session
  }
}
