import type { UserId } from '../../../core/domain/ids.js'
import type { SocketConnection } from './socket-connection.js'

const NONE: ReadonlySet<SocketConnection> = new Set()

/** The signed-in sockets of this process, by user. */
export class Connections {
  private readonly byUser = new Map<UserId, Set<SocketConnection>>()
  private readonly every = new Set<SocketConnection>()

  get size(): number {
    return this.every.size
  }

  /** One may be removed while they are walked through. */
  get all(): ReadonlySet<SocketConnection> {
    return this.every
  }

  add(connection: SocketConnection): void {
    const { userId } = connection.actor
    const own = this.byUser.get(userId)
    if (own === undefined) this.byUser.set(userId, new Set([connection]))
    else own.add(connection)
    this.every.add(connection)
  }

  remove(connection: SocketConnection): void {
    const { userId } = connection.actor
    const own = this.byUser.get(userId)
    if (own?.delete(connection) !== true) return
    this.every.delete(connection)
    if (own.size === 0) this.byUser.delete(userId)
  }

  of(userId: UserId): ReadonlySet<SocketConnection> {
    return this.byUser.get(userId) ?? NONE
  }
}
