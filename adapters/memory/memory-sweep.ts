import type { RoomId } from '../../core/domain/ids.js'
import type { SweepPort } from '../../core/ports/sweep-port.js'
import type { MemoryDatabase } from './memory-database.js'

/** What every process must know, read from the shared memory. */
export class MemorySweep implements SweepPort {
  constructor(private readonly database: MemoryDatabase) {}

  async sweep(beyond: ReadonlyMap<RoomId, number>, endedSinceMs: number) {
    const heads = new Map(
      [...beyond].flatMap(([roomId, head]) => {
        const room = this.database.rooms.get(roomId)
        return room === undefined || room.heads.head <= head ? [] : [[roomId, room.heads] as const]
      }),
    )
    return { heads, ended: this.database.endedLogins.filter(({ endedAtMs }) => endedAtMs > endedSinceMs) }
  }
}
