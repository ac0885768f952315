import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { forbidden, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may } from '../../domain/role.js'
import type { NoticePort } from '../../ports/notice-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { withinLimits } from '../rate-limiting.js'
import { admitReader } from '../rooms/room-access.js'

type Ports = { rooms: RoomRepoPort; limits: RateLimitPort; notices: NoticePort }
type Input = { readonly roomId: RoomId; readonly typing: boolean }

/** A client repeats it while its user types; others forget it after this time. */
export const TYPING_TTL_MS = 6_000

/** Tells the others in the room that one is typing, or has stopped. */
export class SetTyping {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    const { rooms, limits, notices } = this.ports
    const access = await admitReader(rooms, actor, input.roomId)
    if (!access.ok) return access
    if (!may(access.value.role, 'write')) return forbidden()
    const allowed = await withinLimits(limits, [[`typing:${actor.userId}`, LIMITS.typingPerUser]])
    if (!allowed.ok) return allowed
    const { roomId, typing } = input
    notices.toRoom({
      type: 'typing',
      roomId,
      userId: actor.userId,
      typing,
      expiresInMs: typing ? TYPING_TTL_MS : 0,
    })
    return ok(null)
  }
}
