import { LOGIN_RETENTION_MS } from '../../domain/account.js'
import type { LoginRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'

type Ports = { logins: LoginRepoPort; clock: ClockPort }

/** Few enough that no one else waits for it. */
const AT_ONCE = 2_000
/** The rest waits for the next time. */
const ROUNDS = 50

/**
 * Deletes logins and reset codes that ended or expired longer ago than they are kept (`LOGIN_RETENTION_MS`); how many rows,
 * refresh tokens included. Any process may do it at any time, several at once, too.
 */
export class ForgetEndedLogins {
  constructor(private readonly ports: Ports) {}

  async execute(): Promise<number> {
    const { logins, clock } = this.ports
    const beforeMs = clock.nowMs() - LOGIN_RETENTION_MS
    let forgotten = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const more = await logins.forget(beforeMs, AT_ONCE)
      if (more === 0) break
      forgotten += more
    }
    return forgotten
  }
}
