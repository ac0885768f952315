import type { LoginId, SocketId } from '../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'

/** Live sessions of the processes that share one map: a system in memory. */
export class MemorySessions implements SessionPort {
  /** `shared` lets several simulated processes see one another's sessions. */
  constructor(
    private readonly isEnded: (loginId: LoginId) => boolean,
    private readonly shared = new Map<SocketId, LiveSession>(),
  ) {}

  async put(session: LiveSession): Promise<void> {
    this.shared.set(session.socketId, Object.freeze({ ...session }))
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    const session = this.shared.get(socketId)
    return session === undefined || this.isEnded(session.loginId) ? null : session
  }

  async remove(socketId: SocketId): Promise<void> {
    this.shared.delete(socketId)
  }
}
