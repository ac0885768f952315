import type { RoomId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Creation, CreationKey, InvitationRepoPort } from '../../core/ports/room-repo-port.js'
import { frozen } from './freeze.js'
import type { MemoryDatabase } from './memory-database.js'

/** Invitations in memory. Their uses are counted by the room log, in the write that lets someone in. */
export class MemoryInvitationRepo implements InvitationRepoPort {
  constructor(private readonly database: MemoryDatabase) {}

  async create(invitation: Invitation, key: CreationKey | null): Promise<Creation<Invitation>> {
    const { invitations } = this.database
    const make = () => {
      if (invitations.has(invitation.code)) throw new Error('this invitation code is taken')
      const value = frozen(invitation)
      invitations.set(value.code, value)
      return { id: value.code, value }
    }
    const find = (code: string) => invitations.get(code) ?? null
    return this.database.createOnce('invitation', invitation.createdBy, key, make, find)
  }

  async find(code: string): Promise<Invitation | null> {
    return this.database.invitations.get(code) ?? null
  }

  async revoke(roomId: RoomId, code: string, atMs: number): Promise<boolean> {
    const invitation = this.database.invitations.get(code)
    if (invitation?.roomId !== roomId || invitation.revokedAtMs !== null) return false
    this.database.invitations.set(code, frozen({ ...invitation, revokedAtMs: atMs }))
    return true
  }
}
