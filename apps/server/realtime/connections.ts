import type { UserId } from '../../../core/domain/ids.js'
import type { SocketConnection } from './socket-connection.js'

const NONE: ReadonlySet<SocketConnection> = new Set()

/** The signed-in sockets of this process, by user. */
export class Connections {
  private readonly byUser = new Map<UserId, Set<SocketConnection>>()
  private count = 0

  get size(): number {
    return this.count
  }

  add(connection: SocketConnection): void {
    const { userId } = connection.actor
    const own = this.byUser.get(userId)
    if (own === undefined) this.byUser.set(userId, new Set([connection]))
    else own.add(connection)
    this.count += 1
  }

  remove(connection: SocketConnection): void {
    const { userId } = connection.actor
    const own = this.byUser.get(userId)
    if (own?.delete(connection) !== true) return
    this.count -= 1
    if (own.size === 0) this.byUser.delete(userId)
  }

  of(userId: UserId): ReadonlySet<SocketConnection> {
    return this.byUser.get(userId) ?? NONE
  }

  *all(): Iterable<SocketConnection> {
    for (const own of this.byUser.values()) yield* own
  }
}
