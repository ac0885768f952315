import type { RoomId, UserId } from '../../domain/ids.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { PresenceChange, PresencePort, UserState } from '../../ports/presence-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import type { LiveSockets } from '../sessions/live-sockets.js'

/** Users to be told of again at most; the others are shown as they stood until they change or the room is read. */
const AGAIN_MAX = 10_000
/** Users that are asked for together. */
const BATCH = 500
/** What was told this long before a gap of the bus was noticed may have been lost in it. */
const RECENT_MS = 60_000

type Ports = {
  rooms: RoomRepoPort
  presence: PresencePort
  notices: NoticePort
  clock: ClockPort
  liveSockets: LiveSockets
}

/**
 * Tells the rooms of users how these stand. The store names a change once; where it could then not be told, or may have been
 * lost on the way, the user is kept, and the next beat tells how they stand by then. What all this misses, and what was told
 * after something newer (no order holds between processes), is for `ReviewPresence` to put right.
 */
export class PresenceTelling {
  private readonly again = new Set<UserId>()
  /** When each was told of last, the oldest first. */
  private readonly recent = new Map<UserId, number>()

  constructor(private readonly ports: Ports) {}

  async tell(users: readonly UserState[]): Promise<void> {
    if (users.length === 0) return
    const userIds = users.map(({ userId }) => userId)
    const roomIds = await this.roomIdsOf(userIds)
    for (const user of users) this.notify(user, roomIds)
  }

  /** Says nothing where a socket came or went and the user stands as before. */
  async tellChange(userId: UserId, { before, after }: PresenceChange): Promise<void> {
    if (before !== after) await this.tell([{ userId, state: after }])
  }

  /** On each beat: tells of all whom a failure or a gap left over. */
  async tellAgain(): Promise<void> {
    const sinceMs = this.ports.clock.nowMs() - RECENT_MS
    this.recent.forEach((atMs, userId) => {
      if (atMs < sinceMs) this.recent.delete(userId)
    })
    const userIds = [...this.again]
    for (let start = 0; start < userIds.length; start += BATCH)
      await this.tellPresentState(userIds.slice(start, start + BATCH))
  }

  /** The bus may have lost what was told: the next beat tells of this process's users, and of those who went meanwhile. */
  doubt(): void {
    this.keep(this.recent.keys())
    for (const { userId } of this.ports.liveSockets.values()) this.keep([userId])
  }

  private async tellPresentState(userIds: readonly UserId[]): Promise<void> {
    // Before the wait: who is kept by another failure meanwhile stays.
    for (const userId of userIds) this.again.delete(userId)
    const roomIds = await this.roomIdsOf(userIds)
    // Read last, so that what is told is not older than what a change tells meanwhile.
    const { presences, partial } = await this.keeping(userIds, this.ports.presence.states(userIds))
    for (const user of presences) {
      if (partial && user.state === 'offline') this.keep([user.userId])
      else this.notify(user, roomIds)
    }
  }

  private roomIdsOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly RoomId[]>> {
    return this.keeping(userIds, this.ports.rooms.roomIdsOf(userIds))
  }

  private async keeping<T>(userIds: readonly UserId[], reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      this.keep(userIds)
      throw error
    }
  }

  private keep(userIds: Iterable<UserId>): void {
    for (const userId of userIds) if (this.again.size < AGAIN_MAX) this.again.add(userId)
  }

  private notify({ userId, state }: UserState, roomIds: ReadonlyMap<UserId, readonly RoomId[]>): void {
    const { notices, clock } = this.ports
    const atMs = clock.nowMs()
    for (const roomId of roomIds.get(userId) ?? [])
      notices.toRoom({ type: 'presence', roomId, userId, state, atMs })
    this.recent.delete(userId)
    if (this.recent.size < AGAIN_MAX) this.recent.set(userId, atMs)
  }
}
