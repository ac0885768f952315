import type { RoomId } from '../../core/domain/ids.js'
import type { SweepPort } from '../../core/ports/sweep-port.js'
import type { MemoryDatabase } from './memory-database.js'

/** What every process must know, read from the shared memory. */
export class MemorySweep implements SweepPort {
  constructor(private readonly database: MemoryDatabase) {}

  async sweep(roomIds: readonly RoomId[], endedSinceMs: number) {
    const heads = new Map(
      roomIds.flatMap((roomId) => {
        const room = this.database.rooms.get(roomId)
        return room === undefined ? [] : [[roomId, room.heads] as const]
      }),
    )
    return { heads, ended: this.database.endedLogins.filter(({ endedAtMs }) => endedAtMs > endedSinceMs) }
  }
}
