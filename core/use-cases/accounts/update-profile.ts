import type { Actor, User } from '../../domain/account.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { checkName, DISPLAY_NAME } from '../../domain/text.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import { withinLimits } from '../rate-limiting.js'

type Ports = { accounts: AccountRepoPort; limits: RateLimitPort; clock: ClockPort }

export type UpdateProfileInput = {
  readonly displayName?: string | undefined
  readonly mediation?: 'on' | 'off' | undefined
}

/** Changes one's own name, which every room of the user is told, or the wish for hints and tips. */
export class UpdateProfile {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: UpdateProfileInput): Promise<Result<User, Refusal>> {
    const { accounts, limits, clock } = this.ports
    const { mediation } = input
    const name =
      input.displayName === undefined ? null : checkName('displayName', input.displayName, DISPLAY_NAME)
    if (name?.ok === false) return name
    const within = await withinLimits(limits, [[`profile:${actor.userId}`, LIMITS.profileChangesPerUser]])
    if (!within.ok) return within

    const changes = {
      ...(name === null ? {} : { displayName: name.value }),
      ...(mediation === undefined ? {} : { mediation }),
    }
    const user = await accounts.updateProfile(actor, changes, clock.nowMs())
    return user === null ? unauthenticated() : ok(user)
  }
}
