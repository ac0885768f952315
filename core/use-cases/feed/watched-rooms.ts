import type { RoomId } from '../../domain/ids.js'

/** Rooms that one sweep asks for besides those that are followed; the others wait for their turn. */
const TURN = 2_000

const UNKNOWN = 0

/** Rooms of which this process must learn that they have changed, whatever it was; each with the newest head it knows of. */
export class WatchedRooms {
  private readonly heads = new Map<RoomId, number>()

  /** Answers those among the rooms whose heads have to be read. */
  add(roomIds: readonly RoomId[]): readonly RoomId[] {
    for (const roomId of roomIds) if (!this.heads.has(roomId)) this.heads.set(roomId, UNKNOWN)
    return roomIds.filter((roomId) => this.heads.get(roomId) === UNKNOWN)
  }

  remove(roomId: RoomId): void {
    this.heads.delete(roomId)
  }

  /** Whether that is news: of a watched room, and beyond a head that was known. */
  learn(roomId: RoomId, head: number): boolean {
    const known = this.heads.get(roomId)
    if (known === undefined || head <= known) return false
    this.heads.set(roomId, head)
    return known !== UNKNOWN
  }

  /** The newest head that is known of a watched room. */
  headOf(roomId: RoomId): number | undefined {
    return this.heads.get(roomId)
  }

  /** The rooms whose turn it is, and their heads as they are now. */
  takeTurn(): ReadonlyMap<RoomId, number> {
    if (this.heads.size <= TURN) return this.heads
    const turn = new Map<RoomId, number>()
    for (const [roomId, head] of this.heads) {
      if (turn.size === TURN) break
      turn.set(roomId, head)
    }
    // Put at the end.
    for (const [roomId, head] of turn) {
      this.heads.delete(roomId)
      this.heads.set(roomId, head)
    }
    return turn
  }
}
