import type { RoomId } from '../../core/domain/ids.js'
import type { Room, RoomHeads } from '../../core/domain/room.js'
import {
  type RoomChange,
  type RoomCommit,
  type RoomEvent,
  raise,
  type Stamp,
  toRoomEvent,
} from '../../core/domain/room-event.js'
import type { Transaction } from './connection.js'
import { RoomChangeRows } from './room-change-rows.js'
import type { OrdinalRow } from './room-change-statements.js'
import { type RoomRow, toHeads, toRoom } from './room-rows.js'

type Appended = { readonly room: RoomRow; heads: RoomHeads; readonly events: RoomEvent[] }

/** Appends to rooms whose rows the transaction holds locked: first in memory, then all of it in a few statements. */
export class RoomAppender {
  private readonly rooms = new Map<RoomId, Appended>()
  private readonly rows = new RoomChangeRows()

  constructor(locked: readonly RoomRow[]) {
    for (const room of locked) this.rooms.set(room.id, { room, heads: toHeads(room), events: [] })
  }

  /** As it is with what was appended so far; null where it is not locked. */
  room(roomId: RoomId): Room | null {
    const appended = this.rooms.get(roomId)
    return appended === undefined ? null : { ...toRoom(appended.room), headSeq: appended.heads.head }
  }

  /** Each room as it was found locked and as it is left; `changes` are the events appended to it. */
  *left(): Iterable<{
    readonly before: RoomRow
    readonly heads: RoomHeads
    readonly changes: readonly RoomEvent[]
  }> {
    for (const { room, heads, events } of this.rooms.values()) yield { before: room, heads, changes: events }
  }

  /** Of the messages appended, after `flush`. */
  get ordinals(): readonly OrdinalRow[] {
    return this.rows.ordinals
  }

  /** All changes or, where it throws, none of them. */
  append(roomId: RoomId, changes: readonly RoomChange[], by: Omit<Stamp, 'seq'>): readonly RoomEvent[] {
    const appended = this.rooms.get(roomId)
    if (appended === undefined) throw new Error(`the room ${roomId} is not locked`)
    const { head } = appended.heads
    const events = changes.map((change, index) => toRoomEvent(change, { seq: head + 1 + index, ...by }))
    for (const [index, change] of changes.entries()) {
      const stamp = { seq: head + 1 + index, ...by }
      appended.heads = raise(appended.heads, change.type, stamp.seq)
      this.rows.add(roomId, change, stamp)
    }
    appended.events.push(...events)
    return events
  }

  /** Writes everything; the commits are true once the transaction is committed. */
  async flush(tx: Transaction): Promise<readonly RoomCommit[]> {
    const changed = [...this.rooms.values()].filter(({ events }) => events.length > 0)
    if (changed.length === 0) return []
    const heads = changed.map(({ room, heads }) => ({ id: room.id, before: room.head, ...heads }))
    const raised = tx`
      update rooms r
      set head = h.head, messages_head = h.messages, threads_head = h.threads, members_head = h.members
      from json_to_recordset(${JSON.stringify(heads)}::text::json)
        as h(id uuid, before bigint, head bigint, messages bigint, threads bigint, members bigint)
      where r.id = h.id and r.head = h.before`.execute()
    const [{ count }] = await Promise.all([raised, ...this.rows.send(tx)])
    if (count !== changed.length) throw new Error('the head of a locked room has moved')
    return changed.map(({ room, heads, events }) => ({ roomId: room.id, heads, events }))
  }
}
