import type { EndedLogin } from '../domain/account.js'
import type { RoomId } from '../domain/ids.js'
import type { RoomHeads } from '../domain/room.js'

/** What a process must know even if every hint is lost, in one query. */
export interface SweepPort {
  /** Heads of those rooms that have gone beyond the head given with each (zero: of all that exist), and logins ended after `endedSinceMs`. */
  sweep(
    beyond: ReadonlyMap<RoomId, number>,
    endedSinceMs: number,
  ): Promise<{ readonly heads: ReadonlyMap<RoomId, RoomHeads>; readonly ended: readonly EndedLogin[] }>
}
