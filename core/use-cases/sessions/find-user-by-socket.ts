import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { SocketId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { LiveSession, SessionPort } from '../../ports/session-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { type LiveSocket, type LiveSockets, sessionKey } from './live-sockets.js'

type Ports = {
  sessions: SessionPort
  cache: CachePort
  loginFeed: LoginFeed
  liveSockets: LiveSockets
  settings: { readonly lifetimes: Readonly<CacheLifetimes> }
}

/** A session does not change while it lasts, and socket ids are not used twice: there is one version. */
const VERSION = 1

/**
 * Who is behind a socket of any process: known here, remembered, or asked of the store. It identifies and admits nobody; for
 * as long as a session is remembered it may be told of a socket that has closed elsewhere, never of a login that has ended.
 */
export class FindUserBySocket {
  constructor(private readonly ports: Ports) {}

  async execute(input: { readonly socketId: SocketId }): Promise<Result<LiveSocket, Refusal>> {
    const { loginFeed, liveSockets } = this.ports
    const { socketId } = input
    const socket =
      liveSockets.get(socketId) ?? (await this.remembered(socketId)) ?? (await this.stored(socketId))
    if (socket === null || (socket.loginId !== null && loginFeed.hasEnded(socket.loginId))) return notFound()
    return ok(socket)
  }

  private async remembered(socketId: SocketId): Promise<LiveSession | null> {
    return (await this.ports.cache.get<LiveSession>(sessionKey(socketId), VERSION))?.value ?? null
  }

  private async stored(socketId: SocketId): Promise<LiveSession | null> {
    const { sessions, cache, settings } = this.ports
    const session = await sessions.find(socketId)
    if (session !== null)
      await cache.put(sessionKey(socketId), VERSION, session, settings.lifetimes.sessionMs)
    return session
  }
}
