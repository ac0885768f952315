import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import { type Message, tombstone } from '../../domain/message.js'
import { forbidden, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may } from '../../domain/role.js'
import { type ChangeMessagePorts, changeMessage } from './change-message.js'

/** Erases the text of a message and of its versions, and leaves a tombstone. Deleting it again answers the tombstone. */
export class DeleteMessage {
  constructor(private readonly ports: ChangeMessagePorts) {}

  async execute(actor: Actor, input: { readonly messageId: MessageId }): Promise<Result<Message, Refusal>> {
    return changeMessage(this.ports, actor, input.messageId, (message, writer, atMs) => {
      if (message.senderId !== writer.userId && !may(writer.role, 'moderate'))
        return forbidden('Only its sender or a moderator can delete a message.')
      if (message.deletedAtMs !== null) return ok({ changes: [], answer: () => message })
      return ok({ changes: [{ type: 'message.deleted', message }], answer: () => tombstone(message, atMs) })
    })
  }
}
