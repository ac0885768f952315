import type { RoomId, UserId } from '../../core/domain/ids.js'
import { notFound, type Refusal } from '../../core/domain/refusal.js'
import type { Fail } from '../../core/domain/result.js'
import type { RoomCommit, RoomEvent } from '../../core/domain/room-event.js'
import type { RoomWrite } from '../../core/ports/room-log-port.js'
import type { Transaction } from './connection.js'
import type { KnownRooms, Sent } from './known-rooms.js'
import { RoomAppender } from './room-appender.js'
import { type BatchFacts, readFacts } from './room-facts.js'
import { existingRooms, lockFreeRooms, lockRooms } from './room-locks.js'
import { type RoomRow, withHeads } from './room-rows.js'
import { heldSearchHeads } from './search-index-statements.js'
import { blockOf } from './sender-blocks.js'
import { passBarrier } from './write-barrier.js'

/** What became of one write of a batch, once the batch is committed. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly events: readonly RoomEvent[]; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly refusal: Fail<Refusal> }
  /** Its decision threw; the rest of the batch is not concerned. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** What it has to hold, its room or that room's search head, is locked elsewhere: nothing was decided. */
  | { readonly kind: 'locked' }

type Answer = (events: readonly RoomEvent[]) => unknown

export type BatchResult = {
  /** In the order of the writes. */
  readonly outcomes: readonly Outcome[]
  readonly commits: readonly RoomCommit[]
  /** What is known of the rooms once the batch is committed. */
  readonly teach: (known: KnownRooms) => void
}

/**
 * What to do about rooms that others hold locked, or whose search heads they hold where words may change. `brief`: wait for
 * them a little, and fail as a whole if that is not enough. `skip`: leave such writes alone.
 */
export type LockMode = 'brief' | 'skip'

/** More than a transaction of another process takes, as long as nothing is wrong with that process. */
const BRIEF_MS = 50

/** Decides and writes a batch as one transaction, of which the caller takes care. */
export async function runBatch(
  tx: Transaction,
  writes: readonly RoomWrite<unknown>[],
  mode: LockMode,
): Promise<BatchResult> {
  const roomIds = new Set(writes.map(({ roomId }) => roomId))
  // All of it is under way at once, in this order; a statement sees what was committed before it began, so the facts are
  // those under the lock and behind the barrier.
  const locking = mode === 'brief' ? lockBriefly(tx, roomIds) : lockFreeRooms(tx, roomIds).execute()
  const existing = mode === 'brief' ? [] : existingRooms(tx, roomIds).execute()
  const holding = mode === 'brief' ? [] : heldHeads(tx, writes)
  const passing = passBarrier(tx).execute()
  const reading = readFacts(tx, writes)
  const [locked, exist, heads, facts] = await Promise.all([locking, existing, holding, reading, passing])
  const free = new Set(locked.map(({ id }) => id))
  const lockedElsewhere = new Set(exist.map(({ id }) => id).filter((id) => !free.has(id)))
  const held = new Set(heads.map(({ room_id }) => room_id))
  const appender = new RoomAppender(locked)
  const outcomes = writes.map((write): Outcome => {
    const isLocked = lockedElsewhere.has(write.roomId) || (mayChangeWords(write) && held.has(write.roomId))
    return isLocked ? { kind: 'locked' } : decide(appender, facts, write)
  })
  return { outcomes, commits: await appender.flush(tx), teach: (known) => teach(known, appender, facts) }
}

function teach(known: KnownRooms, appender: RoomAppender, facts: BatchFacts): void {
  known.logins.learn(facts.logins)
  const counts = new Map<RoomId, number>()
  const sent = new Map<RoomId, Map<UserId, Sent>>()
  for (const row of appender.ordinals) {
    counts.set(row.room_id, Math.max(row.ordinal, counts.get(row.room_id) ?? 0))
    const ofRoom = sent.get(row.room_id) ?? new Map<UserId, Sent>()
    sent.set(row.room_id, ofRoom)
    const { count, opened } = ofRoom.get(row.sender_id) ?? { count: 0, opened: 0 }
    ofRoom.set(row.sender_id, {
      count: Math.max(row.sender_ordinal, count),
      opened: Math.max(blockOf(row.ordinal), opened),
    })
  }
  for (const { before, heads, changes } of appender.left()) {
    // Members or settings are others now; the next batch reads them.
    if (changes.some(({ type }) => !type.startsWith('message.'))) known.forget(before.id)
    else {
      const people = facts.membersOf(before.id, sent.get(before.id) ?? NOBODY)
      const room = { row: withHeads(before, heads), count: counts.get(before.id) ?? null, people }
      known.learn(room, before.head)
    }
  }
}

const NOBODY: ReadonlyMap<UserId, Sent> = new Map()

const mayChangeWords = ({ needs }: RoomWrite<unknown>): boolean => needs.messageId !== undefined

async function heldHeads(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const roomIds = new Set(writes.filter(mayChangeWords).map(({ roomId }) => roomId))
  return roomIds.size === 0 ? [] : heldSearchHeads(tx, [...roomIds]).execute()
}

async function lockBriefly(tx: Transaction, roomIds: Iterable<RoomId>): Promise<readonly RoomRow[]> {
  const limited = tx`select set_config('lock_timeout', ${String(BRIEF_MS)}, true)`.execute()
  const [rooms] = await Promise.all([lockRooms(tx, roomIds).execute(), limited])
  return rooms
}

function decide(appender: RoomAppender, facts: BatchFacts, write: RoomWrite<unknown>): Outcome {
  const { roomId, atMs, actor } = write
  const room = appender.room(roomId)
  if (room === null) return { kind: 'refused', refusal: notFound() }
  try {
    const decision = write.decide(facts.of(write, room))
    if (!decision.ok) return { kind: 'refused', refusal: decision }
    const { changes, answer } = decision.value
    const events = appender.append(roomId, changes, { atMs, actorId: actor.userId })
    return { kind: 'accepted', events, answer }
  } catch (error) {
    return { kind: 'failed', error }
  }
}
