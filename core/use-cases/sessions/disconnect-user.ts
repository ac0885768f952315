import type { SocketId, UserId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { PresencePort } from '../../ports/presence-port.js'
import type { SessionPort } from '../../ports/session-port.js'
import type { PresenceTelling } from '../presence/presence-telling.js'
import { type LiveSockets, sessionKey } from './live-sockets.js'

type Ports = {
  sessions: SessionPort
  presence: PresencePort
  cache: CachePort
  liveSockets: LiveSockets
  telling: PresenceTelling
}

/** Forgets a socket that has gone for good, here and in the stores. Safe to repeat, also after it threw. */
export class DisconnectUser {
  constructor(private readonly ports: Ports) {}

  async execute(input: {
    readonly socketId: SocketId
    readonly userId: UserId
  }): Promise<Result<null, Refusal>> {
    const { sessions, presence, cache, liveSockets, telling } = this.ports
    const { socketId, userId } = input
    liveSockets.delete(socketId)
    // One store's outage must not leave the other with a socket that is gone.
    const outcomes = await Promise.allSettled([
      presence.withdraw(userId, socketId).then((change) => telling.tellChange(userId, change)),
      sessions.remove(socketId).then(() => cache.drop(sessionKey(socketId))),
    ])
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return ok(null)
  }
}
