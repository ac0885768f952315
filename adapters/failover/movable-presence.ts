import type { SocketId, UserId } from '../../core/domain/ids.js'
import type { PresencePort } from '../../core/ports/presence-port.js'

export type OwnSocket = { readonly userId: UserId; readonly state: 'online' | 'away' }
export type OwnSockets = ReadonlyMap<SocketId, OwnSocket>

/** A store of presence that a process can go to with all its sockets, and leave. */
export interface MovablePresence extends PresencePort {
  /**
   * Makes these the sockets of this process here, and no others; repeating it changes nothing. No beat tells of it; `changes` names those
   * who stand otherwise by it if `isRecorded`. As all processes bring theirs, what the store lost before makes no answer partial.
   */
  bring(sockets: OwnSockets, isRecorded: boolean): Promise<void>
}

/**
 * Where a process has its sockets: `elsewhere`, in the primary; `here`, in the fallback, since it cannot use the primary; `ready`: here,
 * with nothing left in the primary, and it could go back.
 */
export type Place = 'elsewhere' | 'here' | 'ready'

/** The store that every process can reach, in which they meet. */
export interface MeetingPresence extends MovablePresence {
  /** Told again with each beat, so a failure is made good by that. A process that has told nothing has its sockets here. */
  tellPlace(place: Place): Promise<void>
  /** Of the other living processes. */
  placesOfPeers(): Promise<ReadonlySet<Place>>
  /** Keeps when users were there last, ms since the Unix epoch; null: now. */
  remember(users: readonly { readonly userId: UserId; readonly atMs: number | null }[]): Promise<void>
}
