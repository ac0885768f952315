import type { RoomId, UserId } from './ids.js'
import type { Role } from './role.js'

export type Invitation = {
  /** At least 128 random bits; who knows it may join. */
  readonly code: string
  readonly roomId: RoomId
  readonly role: Role
  readonly createdBy: UserId
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly maxUses: number
  readonly uses: number
  readonly revokedAtMs: number | null
}

export const isOpen = (invitation: Invitation, nowMs: number): boolean =>
  invitation.revokedAtMs === null && invitation.uses < invitation.maxUses && nowMs < invitation.expiresAtMs

export const INVITATION_TTL_MS = { default: 7 * 86_400_000, min: 60_000, max: 30 * 86_400_000 }
export const INVITATION_USES = { default: 1, max: 1_000 }

const CODE = /^[A-Za-z0-9_-]{22,86}$/

/** Whether a string can be a code at all; one that cannot never reaches a store. */
export const isInvitationCode = (value: string): boolean => CODE.test(value)
