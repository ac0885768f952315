import type { User } from '../../core/domain/account.js'
import type { RoomId } from '../../core/domain/ids.js'
import type { Role } from '../../core/domain/role.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { appendToRooms } from './append-events.js'
import type { Transaction } from './connection.js'
import { lockRooms } from './room-locks.js'
import { passBarrier } from './write-barrier.js'

type Membership = { readonly room_id: string; readonly role: Role }

/** Appends `member.changed` with the user's name to each of their rooms but those of `told`. */
export async function appendRenaming(
  tx: Transaction,
  user: User,
  told: readonly RoomId[],
  atMs: number,
): Promise<readonly RoomCommit[]> {
  const rooms = (await membershipsOf(tx, user)).filter(({ room_id }) => !told.includes(room_id))
  if (rooms.length === 0) return []
  await lockRooms(
    tx,
    rooms.map(({ room_id }) => room_id),
  )
  await passBarrier(tx)
  const locked = new Set(rooms.map(({ room_id }) => room_id))
  // Read again: until the rooms were locked, roles could change and the user be removed.
  const memberships = (await membershipsOf(tx, user)).filter(({ room_id }) => locked.has(room_id))
  const { id: userId, displayName } = user
  return appendToRooms(
    tx,
    memberships.map(({ room_id, role }) => ({
      roomId: room_id,
      change: { type: 'member.changed', userId, role, displayName },
      actorId: userId,
      atMs,
    })),
  )
}

const membershipsOf = (tx: Transaction, user: User) => tx<Membership[]>`
  select room_id, role from room_members where user_id = ${user.id} and left_at_ms is null`
