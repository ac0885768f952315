import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import { conflict, forbidden, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { checkText, MESSAGE_MAX } from '../../domain/text.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { MediatorPort, Verdict } from '../../ports/mediator-port.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { takesOfText, withinLimits } from '../rate-limiting.js'
import { admitWriter } from '../rooms/room-access.js'
import { commentOf, deliveredUnder, isUnread, UNREAD, writeRead } from './gate.js'
import { admitMessageReader } from './message-access.js'
import type { Delivery } from './send-message.js'

type Ports = {
  log: RoomLogPort
  rooms: RoomRepoPort
  messages: MessageRepoPort
  limits: RateLimitPort
  mediator: MediatorPort
  clock: ClockPort
}
type Input = { readonly messageId: MessageId; readonly text: string }

/** Gives one's own message a new text; the earlier ones stay readable as its versions. */
export class EditMessage {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<Delivery, Refusal>> {
    const { log, limits, mediator, clock } = this.ports
    const text = checkText('text', input.text, MESSAGE_MAX)
    if (!text.ok) return text
    // Neither the room's limit nor the mediator must tell a non-member that the message exists.
    const access = await admitMessageReader(this.ports, actor, input.messageId)
    if (!access.ok) return access
    const { room } = access.value
    const roomId = room.id
    const allowed = await withinLimits(limits, takesOfText(roomId, actor.userId))
    if (!allowed.ok) return allowed
    const draft = { roomId, authorId: actor.userId, text: text.value }
    return writeRead(mediator, room, draft, (verdict) =>
      log.write({
        roomId,
        actor,
        atMs: clock.nowMs(),
        needs: { messageId: input.messageId },
        touches: `message:${input.messageId}`,
        decide: (facts) => decide(facts, verdict, text.value),
      }),
    )
  }
}

function decide(
  facts: RoomFacts,
  verdict: Verdict | null,
  text: string,
): Result<RoomDecision<Delivery | typeof UNREAD>, Refusal> {
  const writer = admitWriter(facts, 'write')
  if (!writer.ok) return writer
  const { message, room } = facts
  if (message === null) return notFound()
  if (message.senderId !== writer.value.userId) return forbidden('Only its sender can edit a message.')
  if (message.deletedAtMs !== null) return conflict('The message was deleted.')
  const delivered = { status: 'delivered', verdict: commentOf(verdict) } as const
  if (message.text === text) return ok({ changes: [], answer: () => ({ ...delivered, message }) })
  if (isUnread(room, verdict)) return ok({ changes: [], answer: () => UNREAD })
  return ok({
    changes: [{ type: 'message.edited', message, text, deliveredUnder: deliveredUnder(room, verdict) }],
    answer: ([event]) => {
      if (event?.type !== 'message.edited')
        throw new Error('an edited message must become the event of its edit')
      return { ...delivered, message: event.data.message }
    },
  })
}
