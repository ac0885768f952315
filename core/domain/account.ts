import type { LoginId, UserId } from './ids.js'

export type User = {
  readonly id: UserId
  /** Shown to its owner only. */
  readonly email: string
  readonly displayName: string
  /** Whether the user wants hints and tips on their own drafts. */
  readonly mediation: 'on' | 'off'
  readonly createdAtMs: number
}

/** Who acts. `loginId: null` where the embedding service has authenticated the user itself. */
export type Actor = { readonly userId: UserId; readonly loginId: LoginId | null }

/** One sign-in on one device; the family of all refresh tokens that descend from it. The contract calls it a session. */
export type Login = {
  readonly id: LoginId
  readonly userId: UserId
  readonly userAgent: string | null
  readonly createdAtMs: number
  readonly lastSeenAtMs: number
  /** Absolute end, whatever is refreshed meanwhile. */
  readonly expiresAtMs: number
}

export const LOGIN_END_REASONS = ['signed-out', 'ended', 'expired', 'password-changed', 'disabled'] as const
export type LoginEndReason = (typeof LOGIN_END_REASONS)[number]

export type EndedLogin = {
  readonly loginId: LoginId
  readonly userId: UserId
  readonly reason: LoginEndReason
  readonly endedAtMs: number
}

export const ACCESS_TOKEN_TTL_MS = 15 * 60_000

/** An ended login is remembered this long: an access token's life, and one minute more for clocks that differ. */
export const ENDED_LOGIN_MEMORY_MS = ACCESS_TOKEN_TTL_MS + 60_000

/** What ended or expired this long ago is deleted: long after anyone could still use it, and after anyone would look it up. */
export const LOGIN_RETENTION_MS = 30 * 86_400_000

/** A spent refresh token presented again within this time is taken for a lost answer, not for theft. */
export const REFRESH_REPLAY_GRACE_MS = 60_000
