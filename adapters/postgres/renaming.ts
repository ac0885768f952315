import type { RoomId, UserId } from '../../core/domain/ids.js'
import type { Role } from '../../core/domain/role.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { appendToRooms } from './append-events.js'
import type { Transaction } from './connection.js'
import { lockRooms } from './room-locks.js'
import { passBarrier } from './write-barrier.js'

type Membership = { readonly room_id: RoomId; readonly role: Role; readonly display_name: string }

/** Appends `member.changed` with the user's name to each of their rooms that was last told another. */
export async function appendRenaming(
  tx: Transaction,
  userId: UserId,
  atMs: number,
): Promise<readonly RoomCommit[]> {
  const rooms = (await untoldMemberships(tx, userId)).map(({ room_id }) => room_id)
  if (rooms.length === 0) return []
  await lockRooms(tx, rooms)
  await passBarrier(tx)
  const locked = new Set(rooms)
  // Read again: until the rooms were locked, roles and the name could change and the user be removed.
  const memberships = (await untoldMemberships(tx, userId)).filter(({ room_id }) => locked.has(room_id))
  return appendToRooms(
    tx,
    memberships.map(({ room_id, role, display_name }) => ({
      roomId: room_id,
      change: { type: 'member.changed', userId, role, displayName: display_name },
      actorId: userId,
      atMs,
    })),
  )
}

const untoldMemberships = (tx: Transaction, userId: UserId) => tx<Membership[]>`
  select m.room_id, m.role, u.display_name
  from room_members m join users u on u.id = m.user_id
  where m.user_id = ${userId} and m.left_at_ms is null and m.told_name <> u.display_name`
