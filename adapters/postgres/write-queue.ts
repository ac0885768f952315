import type { RoomId } from '../../core/domain/ids.js'
import type { Refusal } from '../../core/domain/refusal.js'
import type { Result } from '../../core/domain/result.js'
import type { RoomWrite } from '../../core/ports/room-log-port.js'

export type WaitingWrite = {
  readonly write: RoomWrite<unknown>
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number
  resolve(result: Result<unknown, Refusal>): void
  reject(error: unknown): void
}

/** Rooms that others hold locked are contended, and taken apart from the rest, so that they cannot hold it up. */
export type Lane = 'free' | 'contended'

/** What waits for one room. */
type RoomLine = {
  writes: WaitingWrite[]
  /** Whether it stands in line, which is while something waits. */
  isInLine: boolean
  isBusy: boolean
  lane: Lane
}

/** Rooms of which nothing waits, and that are remembered all the same. */
const REMEMBERED_MAX = 10_000

/**
 * Writes that wait, first in first out for each room. A room of which writes were taken is busy: nothing more is taken of
 * it until it is given back, so that its commits keep their order.
 *
 * Rooms stay in the map while nothing waits for them: one to which entries come and go with every message is copied again
 * and again, and each copy, once it is old, keeps alive through the next collections what it held.
 */
export class WriteQueue {
  private readonly rooms = new Map<RoomId, RoomLine>()
  /** The rooms for which something waits, the next first. */
  private line: RoomLine[] = []
  private contended = 0
  private count = 0

  get length(): number {
    return this.count
  }

  add(write: WaitingWrite): void {
    const room = this.room(write.write.roomId)
    room.writes.push(write)
    this.lineUp(room)
    this.count += 1
  }

  /**
   * The next batch: of each room that is not busy, as many of its first writes as may be committed together. A room of which not all of
   * these have place is passed over, and stays before those that came later.
   */
  take(lane: Lane, max: number): readonly WaitingWrite[] {
    const batch: WaitingWrite[] = []
    if (lane === 'contended' && this.contended === 0) return batch
    const passed: RoomLine[] = []
    const goesOn: RoomLine[] = []
    for (const room of this.line) {
      const left = max - batch.length
      if (left === 0 || room.isBusy || room.lane !== lane) {
        passed.push(room)
        continue
      }
      const many = compatible(room.writes, max)
      // What is left behind of a room waits for all others once more; only of one that fills a batch something has to be.
      if (many > left && many < max) {
        passed.push(room)
        continue
      }
      batch.push(...room.writes.splice(0, Math.min(many, left)))
      room.isBusy = true
      room.isInLine = room.writes.length > 0
      if (room.isInLine) goesOn.push(room)
    }
    // What is left of a room goes behind the other rooms.
    this.line = goesOn.length === 0 ? passed : passed.concat(goesOn)
    this.count -= batch.length
    return batch
  }

  /** The waiting writes whose time is up. */
  takeExpired(now: number): readonly WaitingWrite[] {
    const expired: WaitingWrite[] = []
    for (const { writes } of this.line) {
      // As nearly always; the oldest stands first.
      if ((writes[0]?.expiresAt ?? 0) > now) continue
      const fresh = writes.findIndex((write) => write.expiresAt > now)
      expired.push(...writes.splice(0, fresh < 0 ? writes.length : fresh))
    }
    if (expired.length === 0) return expired
    for (const room of this.line) room.isInLine = room.writes.length > 0
    this.line = this.line.filter(({ isInLine }) => isInLine)
    this.count -= expired.length
    return expired
  }

  /** Puts writes that were taken back before all others of their rooms, in their order. */
  putBack(writes: readonly WaitingWrite[]): void {
    for (const write of writes.toReversed()) {
      const room = this.room(write.write.roomId)
      room.writes.unshift(write)
      this.lineUp(room)
    }
    this.count += writes.length
  }

  /** The room is no longer busy; it goes on in `lane`. */
  giveBack(roomId: RoomId, lane: Lane): void {
    const room = this.room(roomId)
    if (room.lane !== lane) this.contended += lane === 'contended' ? 1 : -1
    room.isBusy = false
    room.lane = lane
    if (this.rooms.size > REMEMBERED_MAX && !room.isInLine && lane === 'free') this.rooms.delete(roomId)
  }

  private room(roomId: RoomId): RoomLine {
    const known = this.rooms.get(roomId)
    if (known !== undefined) return known
    const room: RoomLine = { writes: [], isInLine: false, isBusy: false, lane: 'free' }
    this.rooms.set(roomId, room)
    return room
  }

  private lineUp(room: RoomLine): void {
    if (room.isInLine) return
    room.isInLine = true
    this.line.push(room)
  }
}

/** How many of the first writes touch different things; one that touches the whole room goes alone. */
function compatible(writes: readonly WaitingWrite[], max: number): number {
  // As most often.
  if (writes.length === 1) return 1
  const touched = new Set<string>()
  for (const { write } of writes) {
    const isAlone = write.touches === 'room'
    if (touched.size >= max || touched.has(write.touches) || (isAlone && touched.size > 0)) break
    touched.add(write.touches)
    if (isAlone) break
  }
  return touched.size
}
