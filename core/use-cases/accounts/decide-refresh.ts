import { REFRESH_REPLAY_GRACE_MS } from '../../domain/account.js'
import type { RefreshDecision, RefreshFacts } from '../../ports/account-repo-port.js'

/**
 * What a presented refresh token is worth. A spent one is either a retry after a lost answer (soon, and nobody has used the
 * successor) or in two hands, of which one is a thief's; nobody can tell which, so the whole login ends. Retries leave several
 * successors, of which one client uses one: who comes with another is a second hand too.
 */
export function decideRefresh(facts: RefreshFacts, nowMs: number, successorDigest: string): RefreshDecision {
  if (facts.ended || facts.disabled) return { kind: 'refuse' }
  if (nowMs >= facts.login.expiresAtMs) return { kind: 'end', reason: 'expired' }
  const { spentAtMs, successorSpent, siblingSpent } = facts
  if (siblingSpent) return { kind: 'end', reason: 'ended' }
  const isRetry = spentAtMs !== null && !successorSpent && nowMs - spentAtMs <= REFRESH_REPLAY_GRACE_MS
  if (spentAtMs === null || isRetry) return { kind: 'issue', successorDigest }
  return { kind: 'end', reason: 'ended' }
}
