import type { Actor, Login } from '../../domain/account.js'
import type { LoginId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'

type Ports = { logins: LoginRepoPort; clock: ClockPort }

export type OwnLogins = {
  /** Newest first. */
  readonly logins: readonly Login[]
  /** The one that asks. */
  readonly currentId: LoginId | null
}

/** One's own logins that are open, on whatever device. */
export class ListLogins {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor): Promise<Result<OwnLogins, Refusal>> {
    const { logins, clock } = this.ports
    return ok({ logins: await logins.list(actor.userId, clock.nowMs()), currentId: actor.loginId })
  }
}
