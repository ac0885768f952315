import type { Actor } from '../../domain/account.js'
import type { RoomId, ThreadId } from '../../domain/ids.js'
import { checkWindow } from '../../domain/page.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { MessagePage, MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from '../rooms/room-access.js'

type Ports = { rooms: RoomRepoPort; messages: MessageRepoPort }
type Input = {
  readonly roomId: RoomId
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
  readonly threadId?: ThreadId | undefined
  readonly minSeq?: number | undefined
}

/** A page of a room's messages, ascending by seq. */
export class ListMessages {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<MessagePage, Refusal>> {
    const window = checkWindow(input)
    if (!window.ok) return window
    const access = await admitReader(this.ports.rooms, actor, input.roomId, input.minSeq)
    if (!access.ok) return access
    // There are no threads yet, so none can be named.
    if (input.threadId !== undefined) return notFound()
    return ok(await this.ports.messages.page(input.roomId, window.value))
  }
}
