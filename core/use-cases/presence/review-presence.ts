import type { RoomId, UserId } from '../../domain/ids.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { PresencePort, UserState } from '../../ports/presence-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { ToldPresence } from './told-presence.js'

/** Users that are asked for together. */
const BATCH = 500

type Ports = { rooms: RoomRepoPort; presence: PresencePort; notices: NoticePort; clock: ClockPort }

/**
 * Puts right what this process's sockets were told of presence: a notice may be lost or late, or its sender may have died before
 * it. Whoever changed, or was told of here, between one review and the next is compared with the store by the one after, unless
 * something happened again meanwhile; by then a notice that was under way has come.
 */
export class ReviewPresence {
  private mark: string | null = null
  /** Of the interval before the last review. */
  private due = new ToldPresence()
  /** Since the last review. */
  private recent = new ToldPresence()

  constructor(private readonly ports: Ports) {
    ports.notices.onPresence((notice) => this.recent.note(notice))
  }

  /** How many notices had to be made good. What one does not get to, since it fails, is left to the next. */
  async execute(): Promise<number> {
    const { userIds, mark } = await this.ports.presence.changes(this.mark)
    this.mark = mark
    for (const userId of userIds) this.recent.add(userId)
    const due = this.due.userIds
    let madeGood = 0
    for (let start = 0; start < due.length; start += BATCH)
      madeGood += await this.review(due.slice(start, start + BATCH))
    this.due = this.recent
    this.recent = new ToldPresence()
    return madeGood
  }

  private async review(userIds: readonly UserId[]): Promise<number> {
    const { rooms, presence } = this.ports
    const roomIds = await rooms.roomIdsOf(userIds)
    // Read last; whoever changes after that is reviewed again.
    const { presences, partial } = await presence.states(userIds)
    let madeGood = 0
    for (const user of presences) {
      // Whoever was told of meanwhile, or may be there after all, is looked at again.
      if (this.recent.has(user.userId) || (partial && user.state === 'offline')) this.leaveToNext(user.userId)
      else madeGood += this.tellWhereToldOtherwise(user, roomIds.get(user.userId) ?? [])
      this.due.delete(user.userId)
    }
    return madeGood
  }

  private leaveToNext(userId: UserId): void {
    this.recent.add(userId)
    this.recent.addEarlier(userId, this.due)
  }

  private tellWhereToldOtherwise({ userId, state }: UserState, roomIds: readonly RoomId[]): number {
    const { notices, clock } = this.ports
    const toldOtherwise = roomIds.filter((roomId) => this.due.stateIn(roomId, userId) !== state)
    for (const roomId of toldOtherwise)
      notices.toRoomHere({ type: 'presence', roomId, userId, state, atMs: clock.nowMs() })
    return toldOtherwise.length
  }
}
