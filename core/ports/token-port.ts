import type { LoginId, UserId } from '../domain/ids.js'

export type AccessClaims = {
  readonly userId: UserId
  readonly loginId: LoginId
  readonly expiresAtMs: number
}

/** Access tokens (signed, short-lived) and opaque secrets (random, stored as digests only). */
export interface TokenPort {
  signAccess(claims: AccessClaims): Promise<string>
  /** Null for anything but an unexpired access token of this deployment. Never throws. */
  verifyAccess(token: string): Promise<AccessClaims | null>
  /** 256 random bits, base64url. */
  mintSecret(): string
  /** SHA-256, base64url; for secrets of full entropy and for comparing texts, not for passwords. */
  digest(text: string): string
}
