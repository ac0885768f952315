import type { Actor } from '../../domain/account.js'
import type { RoomId, ThreadId } from '../../domain/ids.js'
import { checkWindow } from '../../domain/page.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { MessagePage, MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomReaders } from '../rooms/room-readers.js'
import type { NewestPages } from './newest-pages.js'

type Ports = {
  messages: Pick<MessageRepoPort, 'page'>
  roomReaders: RoomReaders
  newestPages: NewestPages
}
type Input = {
  readonly roomId: RoomId
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
  readonly threadId?: ThreadId | undefined
  readonly minSeq?: number | undefined
}

/** A page of a room's messages, ascending by seq. The newest page, which a crowd may ask for at once, is read once for all. */
export class ListMessages {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<MessagePage, Refusal>> {
    const { messages, roomReaders, newestPages } = this.ports
    const window = checkWindow(input)
    if (!window.ok) return window
    const heads = await roomReaders.admit(actor, input.roomId, input.minSeq)
    if (!heads.ok) return heads
    // There are no threads yet, so none can be named.
    if (input.threadId !== undefined) return notFound()
    const { before, after, limit } = window.value
    return ok(
      before === null && after === null
        ? await newestPages.read(input.roomId, limit, heads.value)
        : await messages.page(input.roomId, window.value),
    )
  }
}
