import type { Actor, EndedLogin } from '../../domain/account.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import type { LoginFeed } from '../feed/login-feed.js'

type Ports = { logins: LoginRepoPort; tokens: TokenPort; clock: ClockPort; loginFeed: LoginFeed }

/** Ends one's own login, named by its access token or by any refresh token of it. Repeating it changes nothing. */
export class SignOut {
  constructor(private readonly ports: Ports) {}

  async execute(
    by: { readonly actor: Actor } | { readonly refreshToken: string },
  ): Promise<Result<null, Refusal>> {
    const ended = 'actor' in by ? await this.endOf(by.actor) : await this.endBy(by.refreshToken)
    if (ended !== null) this.ports.loginFeed.announce([ended])
    return ok(null)
  }

  private async endOf({ loginId, userId }: Actor): Promise<EndedLogin | null> {
    const { logins, clock } = this.ports
    return loginId === null ? null : logins.end(loginId, userId, 'signed-out', clock.nowMs())
  }

  private async endBy(refreshToken: string): Promise<EndedLogin | null> {
    const { logins, tokens, clock } = this.ports
    const found = await logins.refresh(tokens.digest(refreshToken), clock.nowMs(), ({ ended }) =>
      ended ? { kind: 'refuse' } : { kind: 'end', reason: 'signed-out' },
    )
    return found?.ended ?? null
  }
}
