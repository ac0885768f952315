import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import { type Message, REACTIONS_PER_MESSAGE, withReaction } from '../../domain/message.js'
import { conflict, invalid, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { isEmoji } from '../../domain/text.js'
import { type ChangeMessagePorts, changeMessage } from './change-message.js'

type Input = { readonly messageId: MessageId; readonly emoji: string; readonly on: boolean }

/** Adds or takes back one's own reaction. Repeating it changes nothing. */
export class ReactToMessage {
  constructor(private readonly ports: ChangeMessagePorts) {}

  async execute(actor: Actor, input: Input): Promise<Result<Message, Refusal>> {
    const { messageId, emoji, on } = input
    if (!isEmoji(emoji)) return invalid('emoji', 'must be one emoji')
    return changeMessage(this.ports, actor, messageId, (before, { userId }) => {
      if (before.deletedAtMs !== null) return conflict('The message was deleted.')
      const users = before.reactions[emoji]
      if ((users?.includes(userId) ?? false) === on) return ok({ changes: [], answer: () => before })
      if (users === undefined && Object.keys(before.reactions).length >= REACTIONS_PER_MESSAGE)
        return conflict(`A message carries at most ${REACTIONS_PER_MESSAGE} different emoji.`)
      const message = withReaction(before, userId, emoji, on)
      return ok({ changes: [{ type: 'message.reacted', message, userId, emoji, on }], answer: () => message })
    })
  }
}
