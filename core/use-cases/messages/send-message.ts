import type { Actor } from '../../domain/account.js'
import { isClientId, isId, type MessageId, type RoomId, type ThreadId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { conflict, invalid, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Room } from '../../domain/room.js'
import type { MessageDraft } from '../../domain/room-event.js'
import { checkText, MESSAGE_MAX } from '../../domain/text.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { IdPort } from '../../ports/id-port.js'
import type { MediatorPort, Verdict } from '../../ports/mediator-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import { type Take, takesOfText, withinLimits } from '../rate-limiting.js'
import type { KnownAccess } from '../rooms/known-access.js'
import { admitReader, admitWriter } from '../rooms/room-access.js'
import { commentOf, deliveredUnder, isUnread, UNREAD, writeRead } from './gate.js'

type Ports = {
  log: RoomLogPort
  knownAccess: Pick<KnownAccess, 'known' | 'access'>
  limits: RateLimitPort
  mediator: MediatorPort
  ids: IdPort
  tokens: TokenPort
  clock: ClockPort
}

export type SendMessageInput = {
  readonly roomId: RoomId
  readonly clientMessageId: string
  readonly text: string
  readonly threadId?: ThreadId | undefined
  readonly replyTo?: MessageId | undefined
}

type Admission = Result<Room, Refusal>

type Submitted = Omit<MessageDraft, 'deliveredUnder'>

/** `verdict` only where it comments on a message that was delivered now; for its author alone. */
export type Delivery = {
  readonly status: 'delivered'
  readonly message: Message
  readonly verdict: Verdict | null
}

/** Puts a message into a room's log. Sending it again with the same client id stores nothing and answers the same message. */
export class SendMessage {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: SendMessageInput): Promise<Result<Delivery, Refusal>> {
    const { log, ids, tokens, clock, mediator } = this.ports
    const { roomId, clientMessageId, replyTo } = input
    if (!isClientId(clientMessageId)) return invalid('clientMessageId', 'must be 1 to 64 of A-Z a-z 0-9 _ -')
    const text = checkText('text', input.text, MESSAGE_MAX)
    if (!text.ok) return text
    // There are no threads yet, so none can be named.
    const namesNothing = input.threadId !== undefined || (replyTo !== undefined && !isId(replyTo))
    if (!isId(roomId) || namesNothing) return notFound()

    const admission = this.admit(actor, roomId)
    const room = admission instanceof Promise ? await admission : admission
    if (!room.ok) return room
    const draft: Submitted = {
      id: ids.next(),
      roomId,
      senderId: actor.userId,
      clientMessageId,
      text: text.value,
      threadId: null,
      threadSeq: null,
      threadBy: null,
      replyTo: replyTo ?? null,
      submittedDigest: tokens.digest(text.value),
    }
    const read = { roomId, authorId: actor.userId, text: text.value }
    // Awaited: a promise that is returned as it is takes three more turns of the queue of microtasks, for every message.
    return await writeRead(mediator, room.value, read, (verdict) =>
      log.write({
        roomId,
        actor,
        atMs: clock.nowMs(),
        needs: replyTo === undefined ? { clientMessageId } : { clientMessageId, replyTo },
        touches: `client:${actor.userId}:${clientMessageId}`,
        decide: (facts) => decide(facts, verdict, draft),
      }),
    )
  }

  /** Before its text is judged an author must be let in, so that strangers cost no model anything; the write decides anew. */
  private admit(actor: Actor, roomId: RoomId): Admission | Promise<Admission> {
    const known = this.ports.knownAccess.known(roomId, actor.userId)
    return known === null ? this.admitUnknown(actor, roomId) : this.limit(known.access.room, known.takes)
  }

  private async admitUnknown(actor: Actor, roomId: RoomId): Promise<Admission> {
    const access = await admitReader(this.ports.knownAccess, actor, roomId)
    return access.ok ? this.limit(access.value.room, takesOfText(roomId, actor.userId)) : access
  }

  private limit(room: Room, takes: readonly Take[]): Admission | Promise<Admission> {
    const allowed = withinLimits(this.ports.limits, takes)
    const admission = (result: Result<null, Refusal>) => (result.ok ? ok(room) : result)
    return allowed instanceof Promise ? allowed.then(admission) : admission(allowed)
  }
}

function decide(
  facts: RoomFacts,
  verdict: Verdict | null,
  draft: Submitted,
): Result<RoomDecision<Delivery | typeof UNREAD>, Refusal> {
  const writer = admitWriter(facts, 'write')
  if (!writer.ok) return writer
  const { earlier } = facts
  if (earlier !== null) {
    if (earlier.submittedDigest !== draft.submittedDigest)
      return conflict('This clientMessageId was used for another text.')
    const repeated: Delivery = { status: 'delivered', message: earlier.message, verdict: null }
    return ok({ changes: [], answer: () => repeated })
  }
  if (draft.replyTo !== null && facts.replyTo === null) return notFound()
  if (isUnread(facts.room, verdict)) return ok({ changes: [], answer: () => UNREAD })
  const sent = withDecision(draft, deliveredUnder(facts.room, verdict))
  return ok({
    changes: [{ type: 'message.sent', draft: sent }],
    answer: ([event]) => {
      if (event?.type !== 'message.sent')
        throw new Error('a sent message must become the event of its sending')
      return { status: 'delivered', message: event.data.message, verdict: commentOf(verdict) }
    },
  })
}

/** Each field by name: after a spread, V8 makes a hidden class of its own for each object that another field is added to. */
const withDecision = (draft: Submitted, under: MessageDraft['deliveredUnder']): MessageDraft => ({
  id: draft.id,
  roomId: draft.roomId,
  senderId: draft.senderId,
  clientMessageId: draft.clientMessageId,
  text: draft.text,
  threadId: draft.threadId,
  threadSeq: draft.threadSeq,
  threadBy: draft.threadBy,
  replyTo: draft.replyTo,
  submittedDigest: draft.submittedDigest,
  deliveredUnder: under,
})
