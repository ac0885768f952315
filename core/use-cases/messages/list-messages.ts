import type { Actor } from '../../domain/account.js'
import type { RoomId, ThreadId } from '../../domain/ids.js'
import { checkWindow, type Window } from '../../domain/page.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { RoomHeads } from '../../domain/room.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { MessagePage, MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from '../rooms/room-access.js'
import { SharedLoads } from '../shared-loads.js'

type Ports = { rooms: RoomRepoPort; messages: MessageRepoPort; clock: ClockPort }
type Input = {
  readonly roomId: RoomId
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
  readonly threadId?: ThreadId | undefined
  readonly minSeq?: number | undefined
}

const SHARED = { keptMs: 5_000, maxKept: 32, versionOf: ({ headSeq }: MessagePage) => headSeq }

/** A page of a room's messages, ascending by seq. The newest page, which a crowd may ask for at once, is read once for all. */
export class ListMessages {
  private readonly newestPages: SharedLoads<MessagePage>

  constructor(private readonly ports: Ports) {
    this.newestPages = new SharedLoads(ports.clock, SHARED)
  }

  async execute(actor: Actor, input: Input): Promise<Result<MessagePage, Refusal>> {
    const window = checkWindow(input)
    if (!window.ok) return window
    const access = await admitReader(this.ports.rooms, actor, input.roomId, input.minSeq)
    if (!access.ok) return access
    // There are no threads yet, so none can be named.
    if (input.threadId !== undefined) return notFound()
    return ok(await this.page(input.roomId, window.value, access.value.heads))
  }

  private async page(roomId: RoomId, window: Window, { head, messages }: RoomHeads): Promise<MessagePage> {
    const load = () => this.ports.messages.page(roomId, window)
    if (window.before !== null || window.after !== null) return load()
    const page = await this.newestPages.read(`${roomId} ${window.limit}`, messages, load)
    // Between the two nothing was done to messages, so it is the page at the newer one.
    return { ...page, headSeq: Math.max(page.headSeq, head) }
  }
}
