import type { Actor } from '../../domain/account.js'
import { isId, type RoomId, type UserId } from '../../domain/ids.js'
import { conflict, forbidden, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may } from '../../domain/role.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import { admitWriter } from './room-access.js'

type Ports = { log: RoomLogPort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly userId: UserId }

/** Takes a member out of a room; whoever names oneself leaves. The last owner cannot leave. */
export class RemoveMember {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    if (!isId(input.roomId) || !isId(input.userId)) return notFound()
    return this.ports.log.write({
      roomId: input.roomId,
      actor,
      atMs: this.ports.clock.nowMs(),
      needs: { memberId: input.userId, census: true },
      touches: 'room',
      decide: (facts) => decide(facts, actor.userId === input.userId),
    })
  }
}

function decide(facts: RoomFacts, leaving: boolean): Result<RoomDecision<null>, Refusal> {
  const writer = admitWriter(facts, leaving ? 'read' : 'moderate')
  if (!writer.ok) return writer
  const { member, census } = facts
  if (member === null || census === null) return notFound()
  const outranks = may(member.role, 'moderate') && !may(writer.value.role, 'govern')
  if (!leaving && outranks) return forbidden('Only an owner can remove moderators and owners.')
  if (member.role === 'owner' && census.owners === 1) return conflict('The last owner cannot leave.')
  return ok({ changes: [{ type: 'member.left', userId: member.userId }], answer: () => null })
}
