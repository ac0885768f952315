import type { Actor } from '../../domain/account.js'
import type { SocketId } from '../../domain/ids.js'
import { type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { PresencePort } from '../../ports/presence-port.js'
import type { SessionPort } from '../../ports/session-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import type { PresenceTelling } from '../presence/presence-telling.js'
import type { LiveSocket, LiveSockets } from './live-sockets.js'

type Ports = {
  sessions: SessionPort
  presence: PresencePort
  loginFeed: LoginFeed
  liveSockets: LiveSockets
  telling: PresenceTelling
  clock: ClockPort
}

/** Takes note of a socket that has connected: a live session that every process can find, and its user's presence. */
export class RegisterUser {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: { readonly socketId: SocketId }): Promise<Result<LiveSocket, Refusal>> {
    const { sessions, presence, loginFeed, liveSockets, telling, clock } = this.ports
    const { userId, loginId } = actor
    const socket = { socketId: input.socketId, userId, loginId, connectedAtMs: clock.nowMs() }
    if (loginId !== null) {
      await sessions.put({ ...socket, loginId })
      // Ended while the socket connected: those who listen for the end may have looked for sockets before this one was there.
      if (loginFeed.hasEnded(loginId)) {
        await sessions.remove(input.socketId)
        return unauthenticated()
      }
    }
    liveSockets.set(input.socketId, socket)
    await telling.tellChange(userId, await presence.announce(userId, input.socketId, 'online'))
    return ok(socket)
  }
}
