import type { RoomId } from '../../core/domain/ids.js'

export type NewMessagesOptions = {
  /** With more new messages a second it is a rush. */
  readonly rushPerSecond: number
  /** A room with so many is not left for later in a rush. */
  readonly tailMax: number
  readonly maxRooms: number
}

/** Rooms with messages that are new to the index of search, and when it is their time. */
export class NewMessages {
  private readonly counts = new Map<RoomId, number>()
  private arrived = 0
  private takenAtMs = performance.now()

  constructor(private readonly options: NewMessagesOptions) {}

  /** False where no further room can be remembered. */
  add(roomId: RoomId, count: number): boolean {
    this.arrived += count
    const before = this.counts.get(roomId)
    if (before === undefined && this.counts.size >= this.options.maxRooms) return false
    this.counts.set(roomId, (before ?? 0) + count)
    return true
  }

  /** A room whose time it was: it is again at the next taking, in a rush too. */
  putBack(roomId: RoomId): void {
    this.counts.set(roomId, Number.POSITIVE_INFINITY)
  }

  forget(roomId: RoomId): void {
    this.counts.delete(roomId)
  }

  /** All rooms, or in a rush those with many new messages. With half of what can be remembered none is left for later either. */
  take(): readonly RoomId[] {
    const { tailMax, maxRooms } = this.options
    const leavesTails = this.isRush() && this.counts.size <= maxRooms / 2
    const taken: RoomId[] = []
    for (const [roomId, count] of this.counts) if (!leavesTails || count >= tailMax) taken.push(roomId)
    for (const roomId of taken) this.counts.delete(roomId)
    this.arrived = 0
    this.takenAtMs = performance.now()
    return taken
  }

  /** By the time since the last taking. */
  private isRush(): boolean {
    return this.arrived * 1_000 > this.options.rushPerSecond * (performance.now() - this.takenAtMs)
  }
}
