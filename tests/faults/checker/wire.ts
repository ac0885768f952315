import { canariesIn } from './bodies.js'
import type { Answer, Entry, Observed, PresenceOf, Range, Received } from './history.js'

/** From answers and pushes, as the contract has them, to what a history keeps of them. */

type Json = Readonly<Record<string, unknown>>
type WireMessage = {
  readonly id: string
  readonly seq: number
  readonly senderId: string
  readonly clientMessageId: string
  readonly text: string
  readonly deletedAt: string | null
}
export type WireEvent = {
  readonly seq: number
  readonly type: string
  readonly actorId: string
  readonly data: Json
}

export const observed = (message: WireMessage): Observed => ({
  mid: message.id,
  seq: message.seq,
  sender: message.senderId,
  cmid: message.clientMessageId,
  body: message.text,
  deleted: message.deletedAt !== null,
})

export function entryOf({ seq, type, actorId, data }: WireEvent): Entry {
  const message = data.message as WireMessage | undefined
  const member = data.member as { readonly userId: string } | undefined
  const mid = message?.id ?? (data.messageId as string | undefined)
  const subject = member?.userId ?? (data.userId as string | undefined)
  return {
    seq,
    event: type,
    actor: actorId,
    ...(mid === undefined ? {} : { mid }),
    ...(message === undefined ? {} : { message: observed(message) }),
    ...(subject === undefined || !type.startsWith('member.') ? {} : { subject }),
  }
}

/** The paging of a `history` or `sync` that was asked for. */
export type Paging = { readonly before?: number; readonly after?: number; readonly since?: number }

/** The data of an ack, or the body of an HTTP answer, of whatever call. Unknown shapes leave their canaries only. */
export function answerOf(data: unknown, paging: Paging = {}): Answer {
  const answer = (typeof data === 'object' && data !== null ? data : {}) as Json
  const head = answer.headSeq as number | undefined
  const room = (answer.room as { readonly id: string } | undefined)?.id
  return {
    ...(room === undefined ? {} : { room }),
    ...(head === undefined ? {} : { head }),
    ...entriesOf(answer, paging, head ?? 0),
    ...messagesOf(answer, paging, head ?? 0),
    ...presenceOf(answer),
    canaries: canariesIn(data),
  }
}

function entriesOf(answer: Json, { since = 0 }: Paging, head: number): Partial<Answer> {
  const events = answer.events as readonly WireEvent[] | null | undefined
  if (events === null || events === undefined) return {}
  const entries = events.map(entryOf)
  const to = answer.hasMore === true ? (entries.at(-1)?.seq ?? since) : head
  return { entries, entriesRange: { from: since + 1, to } }
}

/** How many messages a snapshot holds at most. */
const SNAPSHOT = 50

function messagesOf(answer: Json, paging: Paging, head: number): Partial<Answer> {
  const snapshot = answer.snapshot as { readonly messages: readonly WireMessage[] } | null | undefined
  if (snapshot !== null && snapshot !== undefined) {
    const messages = snapshot.messages.map(observed)
    const from = messages.length < SNAPSHOT ? 1 : (messages[0]?.seq ?? 1)
    return { messages, messagesRange: { from, to: head } }
  }
  const single = answer.message as WireMessage | undefined
  if (single !== undefined) return { messages: [observed(single)] }
  const page = answer.messages as readonly WireMessage[] | undefined
  if (page === undefined) return {}
  const messages = page.map(observed)
  // Only a page says `hasMore`; a search, and what stands around a message, show a selection.
  if (typeof answer.hasMore !== 'boolean') return { messages }
  return { messages, messagesRange: rangeOf(messages, paging, answer.hasMore, head) }
}

function rangeOf(messages: readonly Observed[], paging: Paging, hasMore: boolean, head: number): Range {
  if (paging.after !== undefined)
    return { from: paging.after + 1, to: hasMore ? (messages.at(-1)?.seq ?? paging.after) : head }
  const to = paging.before === undefined ? head : Math.min(head, paging.before - 1)
  return { from: hasMore ? (messages[0]?.seq ?? to + 1) : 1, to }
}

function presenceOf(answer: Json): Partial<Answer> {
  const joined = Array.isArray(answer.presence) ? answer.presence : null
  const asked = typeof answer.partial === 'boolean' ? (answer.members as unknown[]) : null
  const states = (joined ?? asked) as readonly { userId: string; state: PresenceOf['state'] }[] | null
  if (states === null) return {}
  return {
    presence: states.map(({ userId, state }) => ({ user: userId, state })),
    presenceComplete: answer.partial !== true,
  }
}

/** What a `recv` line says besides who received it and when; a `room:events` packet makes one an event. */
export function receivedOf(
  event: string,
  payload: unknown,
): Pick<Received, 'event' | 'room' | 'entry' | 'presence' | 'removed' | 'canaries'>[] {
  const data = (typeof payload === 'object' && payload !== null ? payload : {}) as Json
  const room = typeof data.roomId === 'string' ? { room: data.roomId } : {}
  if (event === 'room:events')
    return (data.events as readonly WireEvent[]).map((each) => ({
      event,
      ...room,
      entry: entryOf(each),
      canaries: canariesIn(each),
    }))
  const state = event === 'presence' ? (data.state as PresenceOf['state']) : null
  return [
    {
      event,
      ...room,
      ...(state === null ? {} : { presence: { user: String(data.userId), state } }),
      ...(event === 'room:changed' && data.role === null ? { removed: true } : {}),
      canaries: canariesIn(payload),
    },
  ]
}
