import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { checkLimit, PAGE_LIMIT } from '../../domain/page.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitMessageReader } from './message-access.js'

type Ports = { rooms: RoomRepoPort; messages: MessageRepoPort }
type Input = {
  readonly messageId: MessageId
  readonly limit?: number | undefined
  readonly minSeq?: number | undefined
}

export type MessagesAround = {
  readonly messages: readonly Message[]
  readonly targetMessageId: MessageId
  readonly headSeq: number
}

/** A message with what stands before and after it. */
export class ListMessagesAround {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<MessagesAround, Refusal>> {
    const limit = checkLimit(input.limit, PAGE_LIMIT)
    if (!limit.ok) return limit
    const access = await admitMessageReader(this.ports, actor, input.messageId, input.minSeq)
    if (!access.ok) return access
    const page = await this.ports.messages.around(input.messageId, limit.value)
    return page === null ? notFound() : ok({ ...page, targetMessageId: input.messageId })
  }
}
