import type { RoomId } from '../../../core/domain/ids.js'
import type { Parley } from '../../../core/parley.js'

type Feed = Pick<Parley['roomFeed'], 'track' | 'untrack'>

/** Follows the log of each room for as long as a socket of this process is in it, or about to be. */
export class LocalRooms {
  private readonly holders = new Map<RoomId, number>()

  constructor(private readonly feed: Feed) {}

  /** Resolves when every later event of the room is sure to be delivered here. Each hold that resolved is released once. */
  async hold(roomId: RoomId): Promise<void> {
    // Counted before the wait, so that another who leaves meanwhile does not end the following.
    this.holders.set(roomId, (this.holders.get(roomId) ?? 0) + 1)
    try {
      await this.feed.track(roomId)
    } catch (error) {
      this.release(roomId)
      throw error
    }
  }

  release(roomId: RoomId): void {
    const left = (this.holders.get(roomId) ?? 1) - 1
    if (left > 0) {
      this.holders.set(roomId, left)
      return
    }
    this.holders.delete(roomId)
    this.feed.untrack(roomId)
  }

  get size(): number {
    return this.holders.size
  }
}
