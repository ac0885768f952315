import { isId, type UserId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { LoginFeed } from '../feed/login-feed.js'

type Ports = { accounts: AccountRepoPort; clock: ClockPort; loginFeed: LoginFeed }

/** For an administrator: keeps a user out, ending all their logins, or lets them sign in again. */
export class SetUserDisabled {
  constructor(private readonly ports: Ports) {}

  async execute(input: {
    readonly userId: UserId
    readonly disabled: boolean
  }): Promise<Result<null, Refusal>> {
    const { accounts, clock, loginFeed } = this.ports
    if (!isId(input.userId)) return notFound()
    const ended = await accounts.setDisabled(input.userId, input.disabled, clock.nowMs())
    if (ended === null) return notFound()
    loginFeed.announce(ended)
    return ok(null)
  }
}
