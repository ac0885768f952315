import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import { type Message, withFlag } from '../../domain/message.js'
import { conflict, forbidden, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { checkText, REASON_MAX } from '../../domain/text.js'
import { type ChangeMessagePorts, changeMessage } from './change-message.js'

type Input = { readonly messageId: MessageId; readonly on: boolean; readonly reason?: string | undefined }

/** Marks another's message as hurtful, or takes the mark back. Repeating it changes nothing. */
export class FlagMessage {
  constructor(private readonly ports: ChangeMessagePorts) {}

  async execute(actor: Actor, input: Input): Promise<Result<Message, Refusal>> {
    const { messageId, on } = input
    const reason = input.reason === undefined ? ok(null) : checkText('reason', input.reason, REASON_MAX)
    if (!reason.ok) return reason
    return changeMessage(this.ports, actor, messageId, (before, { userId }) => {
      if (before.senderId === userId) return forbidden("One's own message cannot be flagged.")
      if (before.flaggedBy.includes(userId) === on) return ok({ changes: [], answer: () => before })
      if (before.deletedAtMs !== null) return conflict('The message was deleted.')
      const message = withFlag(before, userId, on)
      return ok({
        changes: [{ type: 'message.flagged', message, userId, on, reason: reason.value }],
        answer: () => message,
      })
    })
  }
}
