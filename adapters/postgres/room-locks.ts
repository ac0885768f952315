import type { RoomId } from '../../core/domain/ids.js'
import type { Transaction } from './connection.js'
import { type RoomRow, roomColumns } from './room-rows.js'

const unique = (roomIds: Iterable<RoomId>): RoomId[] => [...new Set(roomIds)]

/** Locks the rows of those rooms that exist, in order of id, waiting for each. The answer is their state under the lock. */
export const lockRooms = (tx: Transaction, roomIds: Iterable<RoomId>) => tx<RoomRow[]>`
  select ${roomColumns(tx)} from rooms r
  where r.id = any(${unique(roomIds)}::uuid[]) order by r.id for no key update`

/** As `lockRooms`, but leaves out those that others hold locked instead of waiting. */
export const lockFreeRooms = (tx: Transaction, roomIds: Iterable<RoomId>) => tx<RoomRow[]>`
  select ${roomColumns(tx)} from rooms r
  where r.id = any(${unique(roomIds)}::uuid[]) order by r.id for no key update skip locked`

export const existingRooms = (tx: Transaction, roomIds: Iterable<RoomId>) => tx<{ id: RoomId }[]>`
  select id from rooms where id = any(${unique(roomIds)}::uuid[])`
