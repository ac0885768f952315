import { REFRESH_REPLAY_GRACE_MS } from '../../domain/account.js'
import type { RefreshDecision, RefreshFacts } from '../../ports/account-repo-port.js'

/**
 * What a presented refresh token is worth. A spent one is either a retry after a lost answer (soon, and nobody has used the
 * successor) or in two hands, of which one is a thief's; nobody can tell which, so the whole login ends.
 */
export function decideRefresh(facts: RefreshFacts, nowMs: number, successorDigest: string): RefreshDecision {
  if (facts.ended || facts.disabled) return { kind: 'refuse' }
  if (nowMs >= facts.login.expiresAtMs) return { kind: 'end', reason: 'expired' }
  const { spentAtMs, successorSpent } = facts
  const isRetry = spentAtMs !== null && !successorSpent && nowMs - spentAtMs <= REFRESH_REPLAY_GRACE_MS
  if (spentAtMs === null || isRetry) return { kind: 'issue', successorDigest }
  return { kind: 'end', reason: 'ended' }
}
