import type { AccessClaims, TokenPort } from '../../../core/ports/token-port.js'

/** Broken on purpose: it reads a token that it cannot verify, as a library does when `decode` is called for `verify`. */
export class TrustingTokens implements TokenPort {
  constructor(private readonly tokens: TokenPort) {}

  signAccess(claims: AccessClaims): Promise<string> {
    return this.tokens.signAccess(claims)
  }

  async verifyAccess(token: string): Promise<AccessClaims | null> {
    try {
      const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      const { sub, sid, exp } = payload as { sub: string; sid: string; exp: number }
      return { userId: sub, loginId: sid, expiresAtMs: exp * 1_000 }
    } catch {
      return null
    }
  }

  mintSecret(): string {
    return this.tokens.mintSecret()
  }

  digest(text: string): string {
    return this.tokens.digest(text)
  }
}
