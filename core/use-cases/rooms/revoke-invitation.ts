import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { isInvitationCode } from '../../domain/invitation.js'
import { forbidden, notFound, type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may } from '../../domain/role.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { InvitationRepoPort, RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from './room-access.js'

type Ports = { rooms: RoomRepoPort; invitations: InvitationRepoPort; logins: LoginRepoPort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly code: string }

/** Makes an invitation useless from now on; for moderators and owners. */
export class RevokeInvitation {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<null, Refusal>> {
    const { rooms, invitations, logins, clock } = this.ports
    const access = await admitReader(rooms, actor, input.roomId)
    if (!access.ok) return access
    if (!may(access.value.role, 'moderate')) return forbidden()
    if (!isInvitationCode(input.code)) return notFound()
    const nowMs = clock.nowMs()
    if (!(await logins.isLive(actor, nowMs))) return unauthenticated()
    return (await invitations.revoke(input.roomId, input.code, nowMs)) ? ok(null) : notFound()
  }
}
