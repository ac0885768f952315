import type { RoomId, UserId } from '../../core/domain/ids.js'
import type { RoomChange, RoomCommit } from '../../core/domain/room-event.js'
import type { Transaction } from './connection.js'
import { RoomAppender } from './room-appender.js'
import { lockRooms } from './room-locks.js'

export type RoomAppend = {
  readonly roomId: RoomId
  readonly change: RoomChange
  readonly actorId: UserId
  readonly atMs: number
}

/**
 * Appends to rooms as a part of `tx`, waiting for those that are locked (always in order of id, so that nobody deadlocks);
 * appends to rooms that do not exist are left out. The caller tells the `CommitListeners` of the answer once it has committed.
 */
export async function appendToRooms(
  tx: Transaction,
  appends: readonly RoomAppend[],
): Promise<readonly RoomCommit[]> {
  const locked = await lockRooms(
    tx,
    appends.map(({ roomId }) => roomId),
  )
  const appender = new RoomAppender(locked)
  const exists = new Set(locked.map(({ id }) => id))
  for (const { roomId, change, ...by } of appends)
    if (exists.has(roomId)) appender.append(roomId, [change], by)
  return appender.flush(tx)
}
