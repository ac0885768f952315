import type { RoomId, UserId } from '../../domain/ids.js'
import type { PresenceNotice } from '../../ports/notice-port.js'
import type { PresenceState } from '../../ports/presence-port.js'

/** Beyond it users are left out: what was lost of them stays so until they change or somebody joins the room anew. */
const USERS_MAX = 20_000
/** Beyond it notices are forgotten, which are told again then. */
const NOTICES_MAX = 50_000

/** Whoever changed or was told of in some interval, and what this process's sockets were told of them in it last. */
export class ToldPresence {
  private readonly users = new Map<UserId, Map<RoomId, PresenceState>>()
  private notices = 0

  get userIds(): readonly UserId[] {
    return [...this.users.keys()]
  }

  has(userId: UserId): boolean {
    return this.users.has(userId)
  }

  stateIn(roomId: RoomId, userId: UserId): PresenceState | undefined {
    return this.users.get(userId)?.get(roomId)
  }

  add(userId: UserId): void {
    if (!this.users.has(userId) && this.users.size < USERS_MAX) this.users.set(userId, new Map())
  }

  note({ roomId, userId, state }: Pick<PresenceNotice, 'roomId' | 'userId' | 'state'>): void {
    this.add(userId)
    const told = this.users.get(userId)
    if (told === undefined) return
    if (!told.has(roomId)) {
      if (this.notices >= NOTICES_MAX) return
      this.notices += 1
    }
    told.set(roomId, state)
  }

  delete(userId: UserId): void {
    this.notices -= this.users.get(userId)?.size ?? 0
    this.users.delete(userId)
  }

  /** Of a user who was told of later as well. */
  addEarlier(userId: UserId, earlier: ToldPresence): void {
    for (const [roomId, state] of earlier.users.get(userId) ?? [])
      if (this.stateIn(roomId, userId) === undefined) this.note({ roomId, userId, state })
  }
}
