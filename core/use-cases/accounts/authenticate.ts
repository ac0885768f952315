import type { Actor } from '../../domain/account.js'
import type { LoginId } from '../../domain/ids.js'
import { type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { TokenPort } from '../../ports/token-port.js'
import type { LoginFeed } from '../feed/login-feed.js'

type Ports = { tokens: TokenPort; loginFeed: LoginFeed }

export type Authenticated = {
  readonly actor: Actor & { readonly loginId: LoginId }
  /** From then on the token admits nobody. */
  readonly expiresAtMs: number
}

/** Who holds an access token. Asks no store: the token says who, and the feed of ended logins whether still. */
export class Authenticate {
  constructor(private readonly ports: Ports) {}

  async execute(accessToken: string): Promise<Result<Authenticated, Refusal>> {
    const { tokens, loginFeed } = this.ports
    const claims = await tokens.verifyAccess(accessToken)
    if (claims === null || loginFeed.hasEnded(claims.loginId)) return unauthenticated()
    const { userId, loginId, expiresAtMs } = claims
    return ok({ actor: { userId, loginId }, expiresAtMs })
  }
}
