import type { Actor } from '../../domain/account.js'
import { isId, type RoomId, type UserId } from '../../domain/ids.js'
import { conflict, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { DIRECT_ROOM_PARTICIPANTS, type Role } from '../../domain/role.js'
import type { Member } from '../../domain/room.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import { admitWriter } from './room-access.js'

type Ports = { log: RoomLogPort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly userId: UserId; readonly role: Role }

/** Gives a member another role; for owners. The last owner cannot step down. */
export class ChangeMemberRole {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<Member, Refusal>> {
    if (!isId(input.roomId) || !isId(input.userId)) return notFound()
    return this.ports.log.write({
      roomId: input.roomId,
      actor,
      atMs: this.ports.clock.nowMs(),
      needs: { memberId: input.userId, census: true },
      touches: 'room',
      decide: (facts) => decide(facts, input.role),
    })
  }
}

function decide(facts: RoomFacts, role: Role): Result<RoomDecision<Member>, Refusal> {
  const writer = admitWriter(facts, 'govern')
  if (!writer.ok) return writer
  const { member, census, room } = facts
  if (member === null || census === null) return notFound()
  const after = { ...member, role }
  if (member.role === role) return ok({ changes: [], answer: () => after })
  if (member.role === 'owner' && census.owners === 1) return conflict('The last owner cannot step down.')
  const participates = member.role === 'observer' && role !== 'observer'
  if (participates && room.kind === 'direct' && census.participants >= DIRECT_ROOM_PARTICIPANTS)
    return conflict('A direct room holds at most two who are not observers.')
  const { userId, displayName } = member
  return ok({ changes: [{ type: 'member.changed', userId, role, displayName }], answer: () => after })
}
