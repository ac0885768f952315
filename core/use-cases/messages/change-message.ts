import type { Actor } from '../../domain/account.js'
import { isId, type MessageId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import type { Result } from '../../domain/result.js'
import type { Member } from '../../domain/room.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomDecision, RoomLogPort } from '../../ports/room-log-port.js'
import { withinLimits } from '../rate-limiting.js'
import { admitWriter } from '../rooms/room-access.js'

export type ChangeMessagePorts = {
  log: RoomLogPort
  messages: MessageRepoPort
  limits: RateLimitPort
  clock: ClockPort
}

/** What deleting, reacting and flagging share: finds the message's room, and decides there as a writer. */
export async function changeMessage(
  ports: ChangeMessagePorts,
  actor: Actor,
  messageId: MessageId,
  decide: (message: Message, writer: Member, atMs: number) => Result<RoomDecision<Message>, Refusal>,
): Promise<Result<Message, Refusal>> {
  // Before the message is looked for, so that reaching the limit does not tell which messages exist.
  const allowed = await withinLimits(ports.limits, [[`change:${actor.userId}`, LIMITS.changesPerUser]])
  if (!allowed.ok) return allowed
  const found = isId(messageId) ? await ports.messages.find(messageId) : null
  if (found === null) return notFound()
  const atMs = ports.clock.nowMs()
  return ports.log.write({
    roomId: found.roomId,
    actor,
    atMs,
    needs: { messageId },
    touches: `message:${messageId}`,
    decide: (facts) => {
      const writer = admitWriter(facts, 'write')
      if (!writer.ok) return writer
      return facts.message === null ? notFound() : decide(facts.message, writer.value, atMs)
    },
  })
}
