import { ipKey } from '../../domain/ip.js'
import { LIMITS } from '../../domain/rate-limits.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { withinLimits } from '../rate-limiting.js'
import { decideRefresh } from './decide-refresh.js'
import { refreshRefused } from './refusals.js'
import { type SignedIn, signedIn } from './signed-in.js'

type Ports = {
  logins: LoginRepoPort
  tokens: TokenPort
  limits: RateLimitPort
  clock: ClockPort
  loginFeed: LoginFeed
}

/** Exchanges a refresh token for a new pair; the old one is spent, and presenting it again ends the login (`decideRefresh`). */
export class RefreshLogin {
  constructor(private readonly ports: Ports) {}

  async execute(input: {
    readonly refreshToken: string
    readonly ip: string
  }): Promise<Result<SignedIn, Refusal>> {
    const { logins, tokens, limits, clock, loginFeed } = this.ports
    const within = await withinLimits(limits, [[`refresh:ip:${ipKey(input.ip)}`, LIMITS.refreshesPerIp]])
    if (!within.ok) return within

    const successor = tokens.mintSecret()
    const successorDigest = tokens.digest(successor)
    const nowMs = clock.nowMs()
    const refreshed = await logins.refresh(tokens.digest(input.refreshToken), nowMs, (facts) =>
      decideRefresh(facts, nowMs, successorDigest),
    )
    if (refreshed === null) return refreshRefused()
    if (refreshed.ended !== null) loginFeed.announce([refreshed.ended])
    if (refreshed.decision.kind !== 'issue') return refreshRefused()
    const { user, login } = refreshed.facts
    return ok(await signedIn(this.ports, user, login, successor))
  }
}
