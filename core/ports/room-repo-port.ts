import type { Actor } from '../domain/account.js'
import type { Denial } from '../domain/denial.js'
import type { RoomId, UserId } from '../domain/ids.js'
import type { Invitation } from '../domain/invitation.js'
import type { Result } from '../domain/result.js'
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

export type RoomOfUser = { readonly roomId: RoomId; readonly userId: UserId }

export type ReadMarker = { readonly readSeq: number; readonly moved: boolean }

/** Rooms, their members and read markers. What it writes for an actor is denied by facts of the transaction that writes. */
export interface RoomRepoPort {
  /** Stores the room with its first event, `member.joined` of its owner, as seq 1. Found by a member of it only. */
  create(
    room: Omit<Room, 'headSeq'>,
    owner: Actor,
    key: CreationKey | null,
  ): Promise<Result<Creation<Room>, Denial>>
  /** Null where there is no such room or the user is not a member. */
  access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null>
  /** The user's rooms, newest room first (by id, which is in order of creation). */
  listFor(userId: UserId, after: RoomId | null, limit: number): Promise<RoomPage>
  /** Members in order of joining, and the seq at which they were read. */
  members(roomId: RoomId): Promise<{ readonly members: readonly Member[]; readonly headSeq: number }>
  /** One consistent read; null where there is no such room or the user is not a member at that seq. */
  snapshot(roomId: RoomId, userId: UserId, messageLimit: number): Promise<RoomSnapshot | null>
  /** Raises the actor's marker to `seq`, at most to the head; the marker after it, and whether it moved. */
  markRead(roomId: RoomId, actor: Actor, seq: number, atMs: number): Promise<Result<ReadMarker, Denial>>
  /**
   * How each of the rooms stands for its user, where that is a member; former members have `role: null`. Costs the same
   * however much is unread.
   */
  standings(of: readonly RoomOfUser[]): Promise<readonly Standing[]>
  /** Ids of the user's newest rooms, newest first (by id, which is in order of creation). */
  newestRoomIds(userId: UserId, limit: number): Promise<readonly RoomId[]>
  /** Ids of all rooms of each of the users. */
  roomIdsOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly RoomId[]>>
}

/** Who writes in a room, when, and which roles may (pure). */
export type MemberWrite = {
  readonly actor: Actor
  readonly atMs: number
  readonly allows: (role: Role) => boolean
}

/** Invitations to rooms; made and revoked for members whose role allows it at the moment of the write. */
export interface InvitationRepoPort {
  create(
    invitation: Invitation,
    by: MemberWrite,
    key: CreationKey | null,
  ): Promise<Result<Creation<Invitation>, Denial>>
  find(code: string): Promise<Invitation | null>
  /** False where the room has no such invitation or it was revoked before. */
  revoke(roomId: RoomId, code: string, by: MemberWrite): Promise<Result<boolean, Denial>>
}
