import type { Actor } from '../../domain/account.js'
import { isId, type RoomId } from '../../domain/ids.js'
import { isSeq } from '../../domain/page.js'
import { invalid, notFound, type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort; logins: LoginRepoPort; notices: NoticePort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly seq: number }

/** Moves the caller's read marker forward, at most to the newest event; it never goes back. */
export class MarkRead {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    const { rooms, logins, notices, clock } = this.ports
    if (!isSeq(input.seq)) return invalid('seq', 'must be a seq')
    if (!isId(input.roomId)) return notFound()
    if (!(await logins.isLive(actor, clock.nowMs()))) return unauthenticated()
    const marker = await rooms.markRead(input.roomId, actor.userId, input.seq)
    if (marker === null) return notFound()
    if (marker.moved)
      notices.toRoom({ type: 'receipt', roomId: input.roomId, userId: actor.userId, readSeq: marker.readSeq })
    return ok(null)
  }
}
