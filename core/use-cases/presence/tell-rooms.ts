import type { UserId } from '../../domain/ids.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { PresenceChange, PresenceState } from '../../ports/presence-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

export type TellingPorts = { rooms: RoomRepoPort; notices: NoticePort; clock: ClockPort }

/** Tells each room of each user how the user stands now. */
export async function tellRooms(
  { rooms, notices, clock }: TellingPorts,
  userIds: readonly UserId[],
  state: PresenceState,
): Promise<void> {
  if (userIds.length === 0) return
  const atMs = clock.nowMs()
  for (const [userId, roomIds] of await rooms.roomIdsOf(userIds))
    for (const roomId of roomIds) notices.toRoom({ type: 'presence', roomId, userId, state, atMs })
}

/** Says nothing where a socket came or went and the user stands as before. */
export async function tellChange(
  ports: TellingPorts,
  userId: UserId,
  { before, after }: PresenceChange,
): Promise<void> {
  if (before !== after) await tellRooms(ports, [userId], after)
}
