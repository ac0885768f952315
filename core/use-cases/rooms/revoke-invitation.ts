import type { Actor } from '../../domain/account.js'
import { refusalOf } from '../../domain/denial.js'
import { isId, type RoomId } from '../../domain/ids.js'
import { isInvitationCode } from '../../domain/invitation.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may } from '../../domain/role.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { InvitationRepoPort } from '../../ports/room-repo-port.js'

type Ports = { invitations: InvitationRepoPort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly code: string }

/** Makes an invitation useless from now on; for moderators and owners. */
export class RevokeInvitation {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    const { invitations, clock } = this.ports
    if (!isId(input.roomId) || !isInvitationCode(input.code)) return notFound()
    const revoked = await invitations.revoke(input.roomId, input.code, {
      actor,
      atMs: clock.nowMs(),
      allows: (role) => may(role, 'moderate'),
    })
    if (!revoked.ok) return refusalOf(revoked.refusal)
    return revoked.value ? ok(null) : notFound()
  }
}
