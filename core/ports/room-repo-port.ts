import type { RoomId, UserId } from '../domain/ids.js'
import type { Invitation } from '../domain/invitation.js'
import type { Role } from '../domain/role.js'
import type { Member, Room, RoomHeads, Standing } from '../domain/room.js'
import type { RoomSnapshot } from '../domain/room-event.js'

/** A creating call that can be repeated: unique per user and kind; the digest tells whether it is the same body. */
export type CreationKey = { readonly clientId: string; readonly bodyDigest: string }

/** `found`: the same call was made before. `conflict`: the client id was used for another body. */
export type Creation<T> =
  | { readonly outcome: 'created' | 'found'; readonly value: T }
  | { readonly outcome: 'conflict' }

/** A user's view of a room, which is what lets them in. */
export type RoomAccess = {
  readonly room: Room
  readonly heads: RoomHeads
  readonly role: Role
  readonly readSeq: number
}

export type RoomPage = {
  readonly rooms: readonly {
    readonly room: Room
    readonly role: Role
    readonly readSeq: number
    readonly unread: number
  }[]
  /** Room id to continue after; null at the end. */
  readonly nextAfter: RoomId | null
}

export interface RoomRepoPort {
  /** Stores the room with its first event, `member.joined` of its owner, as seq 1. */
  create(room: Omit<Room, 'headSeq'>, ownerId: UserId, key: CreationKey | null): Promise<Creation<Room>>
  /** Null where there is no such room or the user is not a member. */
  access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null>
  /** The user's rooms, newest room first (by id, which is in order of creation). */
  listFor(userId: UserId, after: RoomId | null, limit: number): Promise<RoomPage>
  /** Members in order of joining, and the seq at which they were read. */
  members(roomId: RoomId): Promise<{ readonly members: readonly Member[]; readonly headSeq: number }>
  /** One consistent read; null where there is no such room or the user is not a member at that seq. */
  snapshot(roomId: RoomId, userId: UserId, messageLimit: number): Promise<RoomSnapshot | null>
  /** Raises the marker to `seq` at most; the marker after it, and whether it moved. Null for a non-member. */
  markRead(
    roomId: RoomId,
    userId: UserId,
    seq: number,
  ): Promise<{ readonly readSeq: number; readonly moved: boolean } | null>
  /** How each of the rooms stands for each of the users, where they are members; former members have `role: null`. */
  standings(roomIds: readonly RoomId[], userIds: readonly UserId[]): Promise<readonly Standing[]>
  /** Ids of all rooms of each of the users. */
  roomIdsOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly RoomId[]>>
}

export interface InvitationRepoPort {
  create(invitation: Invitation, key: CreationKey | null): Promise<Creation<Invitation>>
  find(code: string): Promise<Invitation | null>
  /** False where the room has no such invitation or it was revoked before. */
  revoke(roomId: RoomId, code: string, atMs: number): Promise<boolean>
}
