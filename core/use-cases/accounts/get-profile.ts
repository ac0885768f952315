import type { Actor, User } from '../../domain/account.js'
import { type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'

type Ports = { accounts: AccountRepoPort }

/** What a user may know of themselves, the e-mail address included. */
export class GetProfile {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor): Promise<Result<User, Refusal>> {
    const credentials = await this.ports.accounts.find(actor.userId)
    return credentials === null || credentials.disabledAtMs !== null
      ? unauthenticated()
      : ok(credentials.user)
  }
}
