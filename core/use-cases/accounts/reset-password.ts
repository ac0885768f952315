import { checkEmail, emailKey } from '../../domain/email.js'
import { ipKey } from '../../domain/ip.js'
import { checkNewPassword } from '../../domain/password-policy.js'
import { LIMITS } from '../../domain/rate-limits.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { PasswordPort } from '../../ports/password-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { withinLimits } from '../rate-limiting.js'
import { wrongResetCode } from './refusals.js'
import { typedCode } from './reset-code.js'

type Ports = {
  accounts: AccountRepoPort
  passwords: PasswordPort
  tokens: TokenPort
  limits: RateLimitPort
  clock: ClockPort
  loginFeed: LoginFeed
}

export type ResetPasswordInput = {
  readonly email: string
  readonly code: string
  readonly next: string
  readonly ip: string
}

/** Sets a new password with an administrator's code, and ends all logins. It never tells whether an address is known. */
export class ResetPassword {
  constructor(private readonly ports: Ports) {}

  async execute(input: ResetPasswordInput): Promise<Result<null, Refusal>> {
    const { accounts, passwords, tokens, limits, clock, loginFeed } = this.ports
    const email = checkEmail('email', input.email)
    if (!email.ok) return email
    const next = checkNewPassword('next', input.next)
    if (!next.ok) return next
    const key = emailKey(email.value)
    const byIp = await withinLimits(limits, [[`reset:ip:${ipKey(input.ip)}`, LIMITS.resetsPerIp]])
    if (!byIp.ok) return byIp
    const byAddress = await withinLimits(limits, [
      [`reset:address:${tokens.digest(key)}`, LIMITS.resetsPerAddress],
    ])
    if (!byAddress.ok) return byAddress

    // Hashed before the code is looked at, so that a wrong one takes as long as the right one.
    const hash = await passwords.hash(next.value)
    const codeDigest = tokens.digest(typedCode(input.code))
    const ended = await accounts.resetPassword(key, codeDigest, hash, clock.nowMs())
    if (ended === null) return wrongResetCode()
    loginFeed.announce(ended)
    return ok(null)
  }
}
