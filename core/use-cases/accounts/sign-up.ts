import type { User } from '../../domain/account.js'
import { checkEmail, emailKey } from '../../domain/email.js'
import { ipKey } from '../../domain/ip.js'
import { checkNewPassword } from '../../domain/password-policy.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { conflict, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { checkName, DISPLAY_NAME } from '../../domain/text.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { IdPort } from '../../ports/id-port.js'
import type { PasswordPort } from '../../ports/password-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import { withinLimits } from '../rate-limiting.js'
import { type LoginSettings, newLogin, placeOf, type SignedIn, signedIn } from './signed-in.js'

type Ports = {
  accounts: AccountRepoPort
  passwords: PasswordPort
  tokens: TokenPort
  limits: RateLimitPort
  ids: IdPort
  clock: ClockPort
  settings: LoginSettings
}

export type SignUpInput = {
  readonly email: string
  readonly password: string
  readonly displayName: string
  readonly userAgent: string | null
  readonly ip: string
}

/** Opens an account and its first login. */
export class SignUp {
  constructor(private readonly ports: Ports) {}

  async execute(input: SignUpInput): Promise<Result<SignedIn, Refusal>> {
    const { accounts, passwords, tokens, limits, ids, clock } = this.ports
    const email = checkEmail('email', input.email)
    if (!email.ok) return email
    const displayName = checkName('displayName', input.displayName, DISPLAY_NAME)
    if (!displayName.ok) return displayName
    const password = checkNewPassword('password', input.password)
    if (!password.ok) return password
    const ip = ipKey(input.ip)
    const within = await withinLimits(limits, [
      [`sign-up:ip:${ip}`, LIMITS.signUpsPerIp],
      [`sign-up:address:${tokens.digest(emailKey(email.value))}`, LIMITS.signUpsPerAddress],
    ])
    if (!within.ok) return within

    const passwordHash = await passwords.hash(password.value)
    const user: User = {
      id: ids.next(),
      email: email.value,
      displayName: displayName.value,
      mediation: 'on',
      createdAtMs: clock.nowMs(),
    }
    const login = newLogin(this.ports, user.id, input.userAgent)
    const refreshToken = tokens.mintSecret()
    const placeDigest = placeOf(tokens, emailKey(email.value), ip)
    const first = { login, refreshDigest: tokens.digest(refreshToken), placeDigest }
    if (!(await accounts.create(user, passwordHash, first)))
      return conflict('This e-mail address has an account.')
    return ok(await signedIn(this.ports, user, login, refreshToken))
  }
}
