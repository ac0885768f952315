import { type Denial, denialOf } from '../../core/domain/denial.js'
import type { RoomId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import { fail, ok, type Result } from '../../core/domain/result.js'
import type {
  Creation,
  CreationKey,
  InvitationRepoPort,
  MemberWrite,
} from '../../core/ports/room-repo-port.js'
import { frozen } from './freeze.js'
import type { MemoryDatabase } from './memory-database.js'

/** Invitations in memory. Their uses are counted by the room log, in the write that lets someone in. */
export class MemoryInvitationRepo implements InvitationRepoPort {
  constructor(private readonly database: MemoryDatabase) {}

  async create(
    invitation: Invitation,
    by: MemberWrite,
    key: CreationKey | null,
  ): Promise<Result<Creation<Invitation>, Denial>> {
    const { invitations } = this.database
    const denial = this.denial(invitation.roomId, by)
    if (denial !== null) return fail(denial)
    const make = () => {
      if (invitations.has(invitation.code)) throw new Error('this invitation code is taken')
      const value = frozen(invitation)
      invitations.set(value.code, value)
      return { id: value.code, value }
    }
    const find = (code: string) => invitations.get(code) ?? null
    return ok(this.database.createOnce('invitation', by.actor.userId, key, make, find))
  }

  async find(code: string): Promise<Invitation | null> {
    return this.database.invitations.get(code) ?? null
  }

  async revoke(roomId: RoomId, code: string, by: MemberWrite): Promise<Result<boolean, Denial>> {
    const denial = this.denial(roomId, by)
    if (denial !== null) return fail(denial)
    const invitation = this.database.invitations.get(code)
    if (invitation?.roomId !== roomId || invitation.revokedAtMs !== null) return ok(false)
    this.database.invitations.set(code, frozen({ ...invitation, revokedAtMs: by.atMs }))
    return ok(true)
  }

  private denial(roomId: RoomId, { actor, atMs, allows }: MemberWrite): Denial | null {
    const role = this.database.rooms.get(roomId)?.member(actor.userId)?.role ?? null
    return denialOf({ loginIsLive: this.database.isLive(actor, atMs), role }, allows)
  }
}
