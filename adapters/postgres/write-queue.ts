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

/**
 * Writes that wait, first in first out for each room. A room of which writes were taken is busy: nothing more is taken of
 * it until it is given back, so that its commits keep their order.
 */
export class WriteQueue {
  private readonly waiting = new Map<RoomId, WaitingWrite[]>()
  private readonly busy = new Set<RoomId>()
  private readonly contended = new Set<RoomId>()
  private count = 0

  get length(): number {
    return this.count
  }

  add(write: WaitingWrite): void {
    const { roomId } = write.write
    const others = this.waiting.get(roomId)
    if (others === undefined) this.waiting.set(roomId, [write])
    else others.push(write)
    this.count += 1
  }

  /** The next batch: of each room that is not busy, as many of its first writes as may be committed together. */
  take(lane: Lane, max: number): readonly WaitingWrite[] {
    const batch: WaitingWrite[] = []
    if (lane === 'contended' && this.contended.size === 0) return batch
    // What is set anew in the loop comes last in it, as a busy room.
    for (const [roomId, writes] of this.waiting) {
      if (batch.length >= max) break
      if (this.busy.has(roomId) || this.contended.has(roomId) !== (lane === 'contended')) continue
      const taken = writes.splice(0, compatible(writes, max - batch.length))
      batch.push(...taken)
      this.busy.add(roomId)
      this.waiting.delete(roomId)
      // What is left goes behind the other rooms.
      if (writes.length > 0) this.waiting.set(roomId, writes)
    }
    this.count -= batch.length
    return batch
  }

  /** The waiting writes whose time is up. */
  takeExpired(now: number): readonly WaitingWrite[] {
    const expired: WaitingWrite[] = []
    for (const [roomId, writes] of this.waiting) {
      // As nearly always; the oldest stands first.
      if ((writes[0]?.expiresAt ?? 0) > now) continue
      const fresh = writes.findIndex((write) => write.expiresAt > now)
      expired.push(...writes.splice(0, fresh < 0 ? writes.length : fresh))
      if (writes.length === 0) this.waiting.delete(roomId)
    }
    this.count -= expired.length
    return expired
  }

  /** Puts writes that were taken back before all others of their rooms, in their order. */
  putBack(writes: readonly WaitingWrite[]): void {
    for (const write of writes.toReversed()) {
      const { roomId } = write.write
      const others = this.waiting.get(roomId)
      if (others === undefined) this.waiting.set(roomId, [write])
      else others.unshift(write)
    }
    this.count += writes.length
  }

  /** The room is no longer busy; it goes on in `lane`. */
  giveBack(roomId: RoomId, lane: Lane): void {
    this.busy.delete(roomId)
    if (lane === 'contended') this.contended.add(roomId)
    else this.contended.delete(roomId)
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
