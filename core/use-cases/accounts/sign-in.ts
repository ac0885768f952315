import type { Login } from '../../domain/account.js'
import { checkEmail, emailKey } from '../../domain/email.js'
import { ipKey } from '../../domain/ip.js'
import { checkPassword } from '../../domain/password-policy.js'
import { LIMITS } from '../../domain/rate-limits.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort, Credentials, LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { IdPort } from '../../ports/id-port.js'
import type { PasswordPort } from '../../ports/password-port.js'
import { PortUnavailable } from '../../ports/port-unavailable.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import type { LoginFeed } from '../feed/login-feed.js'
import { withinLimits } from '../rate-limiting.js'
import { wrongCredentials } from './refusals.js'
import { type LoginSettings, newLogin, placeOf, type SignedIn, signedIn } from './signed-in.js'

type Ports = {
  accounts: AccountRepoPort
  logins: LoginRepoPort
  passwords: PasswordPort
  tokens: TokenPort
  limits: RateLimitPort
  ids: IdPort
  clock: ClockPort
  loginFeed: LoginFeed
  settings: LoginSettings
}

export type SignInInput = {
  readonly email: string
  readonly password: string
  readonly userAgent: string | null
  readonly ip: string
}

/** Opens a login. Unknown address, wrong password and disabled account are alike in answer and time. */
export class SignIn {
  constructor(private readonly ports: Ports) {}

  async execute(input: SignInInput): Promise<Result<SignedIn, Refusal>> {
    const { accounts, logins, passwords, tokens, clock, loginFeed } = this.ports
    const email = checkEmail('email', input.email)
    if (!email.ok) return email
    const password = checkPassword('password', input.password)
    if (!password.ok) return password
    const key = emailKey(email.value)
    const ip = ipKey(input.ip)
    const placeDigest = placeOf(tokens, key, ip)
    const within = await this.takeLimits(tokens.digest(key), ip, placeDigest)
    if (!within.ok) return within

    const credentials = await accounts.findByEmail(key)
    const { matches, outdated } = await passwords.verify(password.value, credentials?.passwordHash ?? null)
    if (credentials === null || !matches || credentials.disabledAtMs !== null) return wrongCredentials()
    const hash = outdated ? await this.strengthen(credentials, password.value) : credentials.passwordHash

    const login = newLogin(this.ports, credentials.user.id, input.userAgent)
    const refreshToken = tokens.mintSecret()
    await logins.open({ login, refreshDigest: tokens.digest(refreshToken), placeDigest })
    if (!(await this.stillOpens(login, password.value, hash))) {
      const ended = await logins.end(login.id, login.userId, 'ended', clock.nowMs())
      if (ended !== null) loginFeed.announce([ended])
      return wrongCredentials()
    }
    return ok(await signedIn(this.ports, credentials.user, login, refreshToken))
  }

  private async takeLimits(account: string, ip: string, placeDigest: string): Promise<Result<null, Refusal>> {
    const { limits, logins } = this.ports
    const narrow = await withinLimits(limits, [
      [`sign-in:account-ip:${account}:${ip}`, LIMITS.signInsPerAccountAndIp],
      [`sign-in:ip:${ip}`, LIMITS.signInsPerIp],
    ])
    if (!narrow.ok) return narrow
    const wide = await withinLimits(limits, [[`sign-in:account:${account}`, LIMITS.signInsPerAccount]])
    // Asked by the account's address and not by the account, so that it takes as long where there is none.
    return wide.ok || !(await logins.wasOpenedFrom(placeDigest)) ? wide : ok(null)
  }

  /** Stores the password under today's parameters; the hash that is now stored. Busy hashing puts it off to the next time. */
  private async strengthen({ user, passwordHash }: Credentials, password: string): Promise<string> {
    const { accounts, passwords } = this.ports
    try {
      const stronger = await passwords.hash(password)
      await accounts.rehash(user.id, passwordHash, stronger)
      return stronger
    } catch (error) {
      if (error instanceof PortUnavailable) return passwordHash
      throw error
    }
  }

  /** A password change or a disabling that came between comparing and opening ended all logins but could not see this one. */
  private async stillOpens(login: Login, password: string, hash: string): Promise<boolean> {
    const { accounts, passwords } = this.ports
    const now = await accounts.find(login.userId)
    if (now === null || now.disabledAtMs !== null) return false
    return now.passwordHash === hash || (await passwords.verify(password, now.passwordHash)).matches
  }
}
