import type { RoomId, UserId } from '../../domain/ids.js'
import type { RoomEventType } from '../../domain/room-event.js'
import type { RoomAccess, RoomRepoPort } from '../../ports/room-repo-port.js'
import type { RoomFeed } from '../feed/room-feed.js'
import { type Take, takesOfText } from '../rate-limiting.js'

type Rooms = Pick<RoomRepoPort, 'access'>
type Feed = Pick<RoomFeed, 'onEvents' | 'onUntracked' | 'trackingOf'>

/** A member who has tried to write in a room. */
export type KnownAuthor = {
  readonly access: RoomAccess
  /** Of a text; kept, as making and hashing the keys of limits costs a send more than looking this up. */
  readonly takes: readonly Take[]
}

/** What is known of one tracked room. */
type Known = {
  readonly members: Map<UserId, KnownAuthor>
  /** Seq of the newest delivered event that changed who is a member, or how the room is set. */
  changedSeq: number
}

const CHANGES_ACCESS: Readonly<Record<RoomEventType, boolean>> = {
  'message.sent': false,
  'message.edited': false,
  'message.deleted': false,
  'message.reacted': false,
  'message.flagged': false,
  'member.joined': true,
  'member.left': true,
  'member.changed': true,
  'room.updated': true,
}

/**
 * Spares the store a question about each message: the access of those who write in rooms that this process follows, for as
 * long as no event of the room has changed it. As late as delivery is, so nobody is let in by it alone: the write that
 * follows judges by its own facts. Of the heads and the read marker it may be any older state.
 */
export class KnownAccess {
  private readonly rooms = new Map<RoomId, Known>()

  constructor(
    private readonly store: Rooms,
    private readonly feed: Feed,
  ) {
    feed.onUntracked((roomId) => this.rooms.delete(roomId))
    feed.onEvents((roomId, events) => {
      const changed = events.findLast(({ type }) => CHANGES_ACCESS[type])
      if (changed !== undefined) this.forgetOlder(roomId, changed.seq)
    })
  }

  /** Null where it is not known, or there is none. */
  known(roomId: RoomId, userId: UserId): KnownAuthor | null {
    return this.rooms.get(roomId)?.members.get(userId) ?? null
  }

  /** Null where there is no such room or the user is not a member. */
  async access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null> {
    const known = this.known(roomId, userId)
    if (known !== null) return known.access
    const tracking = this.feed.trackingOf(roomId)
    const access = await this.store.access(roomId, userId)
    // What was read before the following began anew may have changed unseen in between.
    if (access !== null && tracking !== null && this.feed.trackingOf(roomId) === tracking)
      this.remember(roomId, userId, access)
    return access
  }

  private remember(roomId: RoomId, userId: UserId, access: RoomAccess): void {
    const { members, changedSeq } = this.of(roomId)
    if (access.heads.head >= changedSeq) members.set(userId, { access, takes: takesOfText(roomId, userId) })
  }

  private forgetOlder(roomId: RoomId, seq: number): void {
    const known = this.of(roomId)
    known.changedSeq = seq
    for (const [userId, { access }] of known.members)
      if (access.heads.head < seq) known.members.delete(userId)
  }

  private of(roomId: RoomId): Known {
    const known = this.rooms.get(roomId) ?? { members: new Map(), changedSeq: 0 }
    this.rooms.set(roomId, known)
    return known
  }
}
