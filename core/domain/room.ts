import type { RoomId, UserId } from './ids.js'
import type { Role } from './role.js'

export type RoomKind = 'direct' | 'group'
export type MediationMode = 'off' | 'advise' | 'hold'

export type Room = {
  readonly id: RoomId
  readonly name: string
  readonly kind: RoomKind
  readonly mediation: MediationMode
  /** Whether an author may send a held message as it stands. */
  readonly sendAnyway: boolean
  /** Whether a member may turn hints and tips on their own drafts off. */
  readonly optOut: boolean
  /** Seq of the newest event of the room's log. */
  readonly headSeq: number
  readonly createdAtMs: number
}

/** The settings of a room that its moderators may change. */
export type RoomSettings = Pick<Room, 'name' | 'mediation' | 'sendAnyway' | 'optOut'>

/** Seqs of the newest event of a room, and of the newest that touched each kind; a cached list is judged by its kind's. */
export type RoomHeads = {
  readonly head: number
  readonly messages: number
  readonly threads: number
  readonly members: number
}

export type Member = {
  readonly userId: UserId
  readonly displayName: string
  readonly role: Role
  readonly joinedAtMs: number
  /** Seq up to which the member has read; 0 before the first marker. */
  readonly readSeq: number
}

/** How a room stands for one of its members; `role: null` where the user is no longer one. */
export type Standing = {
  readonly roomId: RoomId
  readonly userId: UserId
  readonly role: Role | null
  readonly headSeq: number
  readonly readSeq: number
  /** Others' messages above `readSeq`, tombstones left out. */
  readonly unread: number
}
