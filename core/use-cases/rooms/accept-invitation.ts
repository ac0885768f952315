import type { Actor } from '../../domain/account.js'
import { isInvitationCode, isOpen } from '../../domain/invitation.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { conflict, notFound, type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { DIRECT_ROOM_PARTICIPANTS, isUpTo, may } from '../../domain/role.js'
import type { Room } from '../../domain/room.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import type { InvitationRepoPort } from '../../ports/room-repo-port.js'
import { withinLimits } from '../rate-limiting.js'

type Ports = { log: RoomLogPort; invitations: InvitationRepoPort; limits: RateLimitPort; clock: ClockPort }

/**
 * Joins a room by a code, which is good for as long as who made it could still make it: nobody whom a room has removed or
 * demoted lets others in, or themselves. A member who accepts again is answered the room, and the code keeps its uses.
 */
export class AcceptInvitation {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: { readonly code: string }): Promise<Result<Room, Refusal>> {
    const { log, invitations, limits, clock } = this.ports
    const allowed = await withinLimits(limits, [[`accept:${actor.userId}`, LIMITS.acceptsPerUser]])
    if (!allowed.ok) return allowed
    const invitation = isInvitationCode(input.code) ? await invitations.find(input.code) : null
    if (invitation === null) return notFound()
    const atMs = clock.nowMs()
    return log.write({
      roomId: invitation.roomId,
      actor,
      atMs,
      needs: { invitationCode: invitation.code, memberId: invitation.createdBy, census: true },
      touches: 'room',
      decide: (facts) => decide(facts, actor, atMs),
    })
  }
}

function decide(facts: RoomFacts, actor: Actor, atMs: number): Result<RoomDecision<Room>, Refusal> {
  if (!facts.loginIsLive) return unauthenticated()
  const { room, invitation, member: maker, census } = facts
  if (facts.actor !== null) return ok({ changes: [], answer: () => room })
  if (invitation === null || census === null || !isOpen(invitation, atMs)) return notFound()
  const isBacked = maker !== null && may(maker.role, 'moderate') && isUpTo(invitation.role, maker.role)
  if (!isBacked) return notFound()
  const participates = invitation.role !== 'observer'
  if (participates && room.kind === 'direct' && census.participants >= DIRECT_ROOM_PARTICIPANTS)
    return conflict('A direct room holds at most two who are not observers.')
  const member = {
    userId: actor.userId,
    displayName: facts.actorName,
    role: invitation.role,
    joinedAtMs: atMs,
    readSeq: 0,
  }
  return ok({
    changes: [{ type: 'member.joined', member, invitationCode: invitation.code }],
    answer: ([event]) => ({ ...room, headSeq: event?.seq ?? room.headSeq }),
  })
}
