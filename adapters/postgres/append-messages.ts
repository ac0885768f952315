import type { Actor } from '../../core/domain/account.js'
import type { LoginId, RoomId, UserId } from '../../core/domain/ids.js'
import type { Room } from '../../core/domain/room.js'
import {
  type MessageDraft,
  type RoomCommit,
  type RoomEvent,
  raise,
  type Stamp,
  toRoomEvent,
} from '../../core/domain/room-event.js'
import type { RoomWrite } from '../../core/ports/room-log-port.js'
import { forgetParameters, type Sql } from './connection.js'
import type { KnownLogins } from './known-logins.js'
import { type KnownRooms, type Sent, sentNext } from './known-rooms.js'
import { type RoomRow, toHeads, toRoom } from './room-rows.js'

type Answer = (events: readonly RoomEvent[]) => unknown

/** A message that has its place in the log if the room is as it is known. */
type Placed = {
  readonly draft: MessageDraft
  readonly stamp: Stamp
  /** The login that has to be live; null for none, and where the message before it depends on the same. */
  readonly loginId: LoginId | null
  /** Among the messages of the room, and among its sender's in it. */
  readonly ordinal: number
  readonly senderOrdinal: number
  /** Whether it may be its sender's first in its block. */
  readonly opensBlock: boolean
  readonly event: RoomEvent
  readonly answer: Answer
}

/** What a write is given by its place among the others. */
type Assigned = Pick<Placed, 'loginId' | 'ordinal' | 'senderOrdinal' | 'opensBlock'>

/** What the sends of one room become if it is as it is known: one message a write, in their order. */
export type PlannedAppend = { readonly row: RoomRow; readonly placed: readonly Placed[] }

/**
 * Decides the writes of one room by what is known of it. Null where any of them needs more than that or is no plain send that
 * goes through: then all of them have to be decided under the room's lock.
 */
export function planAppend(known: KnownRooms, writes: readonly RoomWrite<unknown>[]): PlannedAppend | null {
  const [first] = writes
  const room = first === undefined ? undefined : known.get(first.roomId)
  if (room === undefined || room.count === null) return null
  const state = toRoom(room.row)
  const sent = new Map<UserId, Sent>()
  const placed: Placed[] = []
  let lookedUp: Actor | null = null
  for (const write of writes) {
    const { userId, loginId } = write.actor
    const before = sent.get(userId) ?? room.people.get(userId)?.sent
    if (before == null) return null
    const ordinal = room.count + placed.length + 1
    const after = sentNext(before, ordinal)
    sent.set(userId, after)
    const isLookedUp = lookedUp?.userId === userId && lookedUp.loginId === loginId
    const roomBefore = { ...state, headSeq: room.row.head + placed.length }
    const next = place(known, write, roomBefore, {
      loginId: isLookedUp ? null : loginId,
      ordinal,
      senderOrdinal: after.count,
      opensBlock: after.opened !== before.opened,
    })
    if (next === null) return null
    placed.push(next)
    lookedUp = write.actor
  }
  return { row: room.row, placed }
}

function place(
  known: KnownRooms,
  write: RoomWrite<unknown>,
  room: Room,
  { loginId, ordinal, senderOrdinal, opensBlock }: Assigned,
): Placed | null {
  const facts = known.factsFor(write, room)
  const decision = facts === null ? null : write.decide(facts)
  if (decision === null || !decision.ok) return null
  const { changes, answer } = decision.value
  const [change] = changes
  if (changes.length !== 1 || change?.type !== 'message.sent') return null
  const { draft } = change
  if (draft.replyTo !== null || draft.threadId !== null || draft.senderId !== write.actor.userId) return null
  const stamp = { seq: room.headSeq + 1, atMs: write.atMs, actorId: write.actor.userId }
  const event = toRoomEvent(change, stamp)
  return { draft, stamp, loginId, ordinal, senderOrdinal, opensBlock, event, answer }
}

/** What the append commits. */
export function commitOf({ row, placed }: PlannedAppend): RoomCommit {
  const head = row.head + placed.length
  return {
    roomId: row.id,
    heads: raise(toHeads(row), 'message.sent', head),
    events: placed.map(({ event }) => event),
  }
}

/**
 * Appends in one call and answers which rooms were as they are known; the others were left alone. Logins that are known to live in
 * the present epoch are not looked up; where it turns out to be another one, all are, by a second call.
 */
export async function appendMessages(
  sql: Sql,
  plans: readonly PlannedAppend[],
  logins: KnownLogins,
): Promise<ReadonlySet<RoomId>> {
  const placed = plans.flatMap((plan) => plan.placed)
  const needed = placed.map(({ loginId }) => loginId)
  const { epoch } = logins
  const unsure = needed.map((id) => (id === null || logins.livesIn(epoch, id) ? null : id))
  const relies = unsure.some((id, index) => id !== needed[index])
  let lookedUp = unsure
  let answer = await callAppend(sql, plans, placed, { epoch: relies ? epoch : null, lookedUp })
  if (answer.appended === null) {
    lookedUp = needed
    answer = await callAppend(sql, plans, placed, { epoch: null, lookedUp })
  }
  const appended = new Set(answer.appended)
  const foundLive = lookedUp.filter(
    (id, index) => id !== null && appended.has(placed[index]?.draft.roomId ?? ''),
  )
  logins.foundIn(
    answer.epoch,
    foundLive.filter((id) => id !== null),
  )
  return appended
}

type Looking = {
  /** Relied on for the logins that are not looked up; null where none is left out. */
  readonly epoch: string | null
  /** For each message its login, or null. */
  readonly lookedUp: readonly (LoginId | null)[]
}

/** `appended` is null, and nothing is stored, where the epoch is another one than the one that was relied on. */
async function callAppend(
  sql: Sql,
  plans: readonly PlannedAppend[],
  placed: readonly Placed[],
  { epoch, lookedUp }: Looking,
): Promise<{ readonly appended: readonly RoomId[] | null; readonly epoch: string | null }> {
  const drafts = placed.map(({ draft }) => draft)
  const stamps = placed.map(({ stamp }) => stamp)
  const isOneEach = placed.length === plans.length
  const query = sql<{ answer: { appended: RoomId[] | null; epoch: string | null } }[]>`
    select to_json(append_messages(
      ${epoch}::uuid,
      ${plans.map(({ row }) => row.id)}::uuid[],
      ${plans.map(({ row }) => row.head)}::bigint[],
      ${plans.map(({ row, placed }) => row.head + placed.length)}::bigint[],
      ${drafts.map(({ id }) => id)}::uuid[],
      ${isOneEach ? null : drafts.map(({ roomId }) => roomId)}::uuid[],
      ${isOneEach ? null : stamps.map(({ seq }) => seq)}::bigint[],
      ${drafts.map(({ senderId }) => senderId)}::uuid[],
      ${lookedUp.every((id) => id === null) ? null : lookedUp}::uuid[],
      ${drafts.map(({ clientMessageId }) => clientMessageId)}::text[],
      ${drafts.map(({ submittedDigest }) => submittedDigest)}::text[],
      ${drafts.map(({ deliveredUnder }) => deliveredUnder)}::text[],
      ${drafts.map(({ text }) => text)}::text[],
      ${stamps.map(({ atMs }) => atMs)}::bigint[],
      ${placed.map(({ ordinal }) => ordinal)}::bigint[],
      ${placed.map(({ senderOrdinal }) => senderOrdinal)}::bigint[],
      ${placed.some(({ opensBlock }) => opensBlock) ? placed.map(({ opensBlock }) => String(opensBlock)) : null}::boolean[]
    )) as answer`
  const [row] = await query
  forgetParameters(query)
  if (row === undefined) throw new Error('append_messages has answered nothing')
  return row.answer
}
