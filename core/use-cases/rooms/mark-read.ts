import type { Actor } from '../../domain/account.js'
import { refusalOf } from '../../domain/denial.js'
import { isId, type RoomId } from '../../domain/ids.js'
import { isSeq } from '../../domain/page.js'
import { invalid, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort; notices: NoticePort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly seq: number }

/** Moves the caller's read marker forward, at most to the newest event; it never goes back. */
export class MarkRead {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    const { rooms, notices, clock } = this.ports
    if (!isSeq(input.seq)) return invalid('seq', 'must be a seq')
    if (!isId(input.roomId)) return notFound()
    const marked = await rooms.markRead(input.roomId, actor, input.seq, clock.nowMs())
    if (!marked.ok) return refusalOf(marked.refusal)
    const { moved, readSeq } = marked.value
    if (moved) notices.toRoom({ type: 'receipt', roomId: input.roomId, userId: actor.userId, readSeq })
    return ok(null)
  }
}
