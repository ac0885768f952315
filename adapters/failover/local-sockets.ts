import type { SocketId } from '../../core/domain/ids.js'
import type { OwnSocket, OwnSockets } from './movable-presence.js'

type Changing = { before: OwnSocket | null; calls: number }

/** The sockets of this process, and which of them are being changed. */
export class LocalSockets {
  private readonly own = new Map<SocketId, OwnSocket>()
  private readonly changing = new Map<SocketId, Changing>()

  get(socketId: SocketId): OwnSocket | null {
    return this.own.get(socketId) ?? null
  }

  values(): Iterable<OwnSocket> {
    return this.own.values()
  }

  clear(): void {
    this.own.clear()
  }

  /** `make` gets what it has to call once the store of the moment has told of the change. */
  async change<T>(
    socketId: SocketId,
    after: OwnSocket | null,
    make: (isTold: () => void) => Promise<T>,
  ): Promise<T> {
    const change = this.changing.get(socketId) ?? { before: this.get(socketId), calls: 0 }
    change.calls += 1
    this.changing.set(socketId, change)
    if (after === null) this.own.delete(socketId)
    else this.own.set(socketId, after)
    try {
      return await make(() => {
        change.before = after
      })
    } finally {
      change.calls -= 1
      if (change.calls === 0) this.changing.delete(socketId)
    }
  }

  /** As they were before the calls that are under way: another store has to know that before it can tell of these changes. */
  told(): OwnSockets {
    const sockets = new Map(this.own)
    for (const [socketId, { before }] of this.changing)
      if (before === null) sockets.delete(socketId)
      else sockets.set(socketId, before)
    return sockets
  }
}
