import type { Actor } from '../../domain/account.js'
import { isId, type LoginId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { LoginFeed } from '../feed/login-feed.js'

type Ports = { logins: LoginRepoPort; clock: ClockPort; loginFeed: LoginFeed }

/** Ends one of one's own logins, on any device; another's does not exist. */
export class EndLogin {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: { readonly loginId: LoginId }): Promise<Result<null, Refusal>> {
    const { logins, clock, loginFeed } = this.ports
    if (!isId(input.loginId)) return notFound()
    const ended = await logins.end(input.loginId, actor.userId, 'ended', clock.nowMs())
    if (ended === null) return notFound()
    loginFeed.announce([ended])
    return ok(null)
  }
}
