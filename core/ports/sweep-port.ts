import type { EndedLogin } from '../domain/account.js'
import type { RoomId } from '../domain/ids.js'
import type { RoomHeads } from '../domain/room.js'

/** What a process must know even if every hint is lost, in one query. */
export interface SweepPort {
  /**
   * Heads of those of the rooms that exist and have gone beyond the head given with each (zero: whatever it is), and the logins
   * ended after `endedSinceMs`.
   */
  sweep(
    beyond: ReadonlyMap<RoomId, number>,
    endedSinceMs: number,
  ): Promise<{ readonly heads: ReadonlyMap<RoomId, RoomHeads>; readonly ended: readonly EndedLogin[] }>
}
