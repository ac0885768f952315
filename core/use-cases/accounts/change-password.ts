import type { Actor } from '../../domain/account.js'
import { checkNewPassword, checkPassword } from '../../domain/password-policy.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { invalid, type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { PasswordPort } from '../../ports/password-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { withinLimits } from '../rate-limiting.js'

type Ports = {
  accounts: AccountRepoPort
  passwords: PasswordPort
  limits: RateLimitPort
  clock: ClockPort
  loginFeed: LoginFeed
}

/** Replaces one's own password and ends all other logins; the one that asks goes on. */
export class ChangePassword {
  constructor(private readonly ports: Ports) {}

  async execute(
    actor: Actor,
    input: { readonly current: string; readonly next: string },
  ): Promise<Result<null, Refusal>> {
    const { accounts, passwords, limits, clock, loginFeed } = this.ports
    const current = checkPassword('current', input.current)
    if (!current.ok) return current
    const next = checkNewPassword('next', input.next)
    if (!next.ok) return next
    const within = await withinLimits(limits, [[`password:${actor.userId}`, LIMITS.passwordChangesPerUser]])
    if (!within.ok) return within

    const credentials = await accounts.find(actor.userId)
    if (credentials === null) return unauthenticated()
    const { matches } = await passwords.verify(current.value, credentials.passwordHash)
    // Not UNAUTHENTICATED: a client would take its own login for ended.
    if (!matches) return invalid('current', 'is not the present password')
    const hash = await passwords.hash(next.value)
    const ended = await accounts.setPassword(actor, hash, clock.nowMs())
    if (ended === null) return unauthenticated()
    loginFeed.announce(ended)
    return ok(null)
  }
}
