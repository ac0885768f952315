import type { EndedLogin, Login, LoginEndReason } from '../../core/domain/account.js'
import type { LoginId, UserId } from '../../core/domain/ids.js'
import type {
  LoginRepoPort,
  NewLogin,
  RefreshDecision,
  RefreshFacts,
} from '../../core/ports/account-repo-port.js'
import { frozen } from './freeze.js'
import type { MemoryDatabase, StoredLogin, StoredToken } from './memory-database.js'

/** Logins in memory. Room writes look a login up in the same database, so that an end is final at once. */
export class MemoryLoginRepo implements LoginRepoPort {
  constructor(private readonly database: MemoryDatabase) {}

  async open(first: NewLogin): Promise<void> {
    this.database.openLogin(first)
  }

  async wasOpenedFrom(placeDigest: string): Promise<boolean> {
    return [...this.database.logins.values()].some((stored) => stored.placeDigest === placeDigest)
  }

  async refresh(digest: string, atMs: number, decide: (facts: RefreshFacts) => RefreshDecision) {
    const token = this.database.tokens.get(digest)
    const stored = this.database.logins.get(token?.loginId ?? '')
    const account = this.database.accounts.get(stored?.login.userId ?? '')
    if (token === undefined || stored === undefined || account === undefined) return null
    const facts = frozen({
      login: stored.login,
      user: account.user,
      ended: stored.ended !== null,
      disabled: account.disabledAtMs !== null,
      spentAtMs: token.spentAtMs,
      successorSpent: token.successorSpent,
    })
    const decision = decide(facts)
    const ended = decision.kind === 'end' ? this.database.endLogin(stored, decision.reason, atMs) : null
    if (decision.kind === 'issue') {
      this.spend(token, atMs)
      this.database.issueToken(decision.successorDigest, stored.login.id, digest)
      stored.login = frozen({ ...stored.login, lastSeenAtMs: atMs })
    }
    return { facts, decision, ended }
  }

  async list(userId: UserId, nowMs: number): Promise<readonly Login[]> {
    return [...this.database.logins.values()]
      .filter(({ login, ended }) => login.userId === userId && ended === null && nowMs < login.expiresAtMs)
      .map(({ login }) => login)
      .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
  }

  async end(
    loginId: LoginId,
    userId: UserId | null,
    reason: LoginEndReason,
    atMs: number,
  ): Promise<EndedLogin | null> {
    const stored: StoredLogin | undefined = this.database.logins.get(loginId)
    if (stored === undefined || (userId !== null && stored.login.userId !== userId)) return null
    return this.database.endLogin(stored, reason, atMs)
  }

  async forget(beforeMs: number, limit: number): Promise<number> {
    return this.database.forgetLogins(beforeMs, limit) + this.database.forgetResetCodes(beforeMs, limit)
  }

  private spend(token: StoredToken, atMs: number): void {
    token.spentAtMs ??= atMs
    const parent = this.database.tokens.get(token.parent ?? '')
    if (parent !== undefined) parent.successorSpent = true
  }
}
