import type { Actor } from '../../domain/account.js'
import { refusalOf } from '../../domain/denial.js'
import { isClientId, isId, type RoomId } from '../../domain/ids.js'
import { INVITATION_TTL_MS, INVITATION_USES, type Invitation } from '../../domain/invitation.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { conflict, invalid, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { isUpTo, may, type Role } from '../../domain/role.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { InvitationRepoPort } from '../../ports/room-repo-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import { withinLimits } from '../rate-limiting.js'
import { creationKey } from './creation-key.js'

type Ports = {
  invitations: InvitationRepoPort
  limits: RateLimitPort
  tokens: TokenPort
  clock: ClockPort
}

export type CreateInvitationInput = {
  readonly roomId: RoomId
  readonly role?: Role | undefined
  readonly expiresInS?: number | undefined
  readonly maxUses?: number | undefined
  readonly clientId?: string | undefined
}

const WHO_INVITES = 'Moderators and owners invite, and into no more than their own role.'

/** Makes a code with which others can join, in a role up to one's own; for moderators and owners. */
export class CreateInvitation {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: CreateInvitationInput): Promise<Result<Invitation, Refusal>> {
    const { invitations, limits, tokens, clock } = this.ports
    const terms = checkTerms(input)
    if (!terms.ok) return terms
    if (!isId(input.roomId)) return notFound()
    const allowed = await withinLimits(limits, [[`create:${actor.userId}`, LIMITS.creationsPerUser]])
    if (!allowed.ok) return allowed

    const { role, ttlMs, maxUses } = terms.value
    const atMs = clock.nowMs()
    const invitation: Invitation = {
      code: tokens.mintSecret(),
      roomId: input.roomId,
      role,
      createdBy: actor.userId,
      createdAtMs: atMs,
      expiresAtMs: atMs + ttlMs,
      maxUses,
      uses: 0,
      revokedAtMs: null,
    }
    const body = { roomId: input.roomId, role, ttlMs, maxUses }
    const allows = (own: Role) => may(own, 'moderate') && isUpTo(role, own)
    const key = creationKey(tokens, input.clientId, body)
    const created = await invitations.create(invitation, { actor, atMs, allows }, key)
    if (!created.ok) return refusalOf(created.refusal, WHO_INVITES)
    if (created.value.outcome === 'conflict')
      return conflict('This clientId was used for another invitation.')
    return ok(created.value.value)
  }
}

function checkTerms(
  input: CreateInvitationInput,
): Result<{ role: Role; ttlMs: number; maxUses: number }, Refusal> {
  const ttlMs = input.expiresInS === undefined ? INVITATION_TTL_MS.default : input.expiresInS * 1_000
  if (!(ttlMs >= INVITATION_TTL_MS.min && ttlMs <= INVITATION_TTL_MS.max))
    return invalid(
      'expiresInS',
      `must be ${INVITATION_TTL_MS.min / 1_000} to ${INVITATION_TTL_MS.max / 1_000}`,
    )
  const maxUses = input.maxUses ?? INVITATION_USES.default
  if (!Number.isInteger(maxUses) || maxUses < 1 || maxUses > INVITATION_USES.max)
    return invalid('maxUses', `must be 1 to ${INVITATION_USES.max}`)
  if (input.clientId !== undefined && !isClientId(input.clientId))
    return invalid('clientId', 'must be 1 to 64 of A-Z a-z 0-9 _ -')
  return ok({ role: input.role ?? 'member', ttlMs, maxUses })
}
