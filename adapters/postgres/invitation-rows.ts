import type { Invitation } from '../../core/domain/invitation.js'
import type { Role } from '../../core/domain/role.js'

export type InvitationRow = {
  readonly code: string
  readonly room_id: string
  readonly role: Role
  readonly created_by: string
  readonly created_at_ms: number
  readonly expires_at_ms: number
  readonly max_uses: number
  readonly uses: number
  readonly revoked_at_ms: number | null
}

export const toInvitation = (row: InvitationRow): Invitation => ({
  code: row.code,
  roomId: row.room_id,
  role: row.role,
  createdBy: row.created_by,
  createdAtMs: row.created_at_ms,
  expiresAtMs: row.expires_at_ms,
  maxUses: row.max_uses,
  uses: row.uses,
  revokedAtMs: row.revoked_at_ms,
})
