import { describe, expect, it } from 'vitest'
import type { RefreshFacts } from '../../ports/account-repo-port.js'
import { decideRefresh } from './decide-refresh.js'

const NOW_MS = 1_700_000_000_000
const user = {
  id: '01890000-0000-7000-8000-000000000001',
  email: 'ann@example.org',
  displayName: 'Ann',
  mediation: 'on',
  createdAtMs: 0,
} as const
const login = {
  id: '01890000-0000-7000-8000-000000000002',
  userId: user.id,
  userAgent: null,
  createdAtMs: 0,
  lastSeenAtMs: 0,
  expiresAtMs: NOW_MS + 1,
}
const fresh: RefreshFacts = {
  login,
  user,
  ended: false,
  disabled: false,
  spentAtMs: null,
  successorSpent: false,
}
const decide = (facts: Partial<RefreshFacts>) => decideRefresh({ ...fresh, ...facts }, NOW_MS, 'next')

const ISSUE = { kind: 'issue', successorDigest: 'next' }
const REFUSE = { kind: 'refuse' }
const END = { kind: 'end', reason: 'ended' }

describe('a presented refresh token', () => {
  it('gets a successor when it was not spent', () => {
    expect(decide({})).toEqual(ISSUE)
  })

  it('gets another successor within 60 s while nobody has used the first', () => {
    expect(decide({ spentAtMs: NOW_MS })).toEqual(ISSUE)
    expect(decide({ spentAtMs: NOW_MS - 60_000 })).toEqual(ISSUE)
  })

  it('ends the login when it comes again after 60 s (input B9)', () => {
    expect(decide({ spentAtMs: NOW_MS - 60_001 })).toEqual(END)
  })

  it('ends the login when it comes again after its successor was used, however soon (input B9)', () => {
    expect(decide({ spentAtMs: NOW_MS, successorSpent: true })).toEqual(END)
  })

  it('ends the login as expired from the end of its absolute lifetime on (input B10)', () => {
    const expired = { kind: 'end', reason: 'expired' }
    expect(decide({ login: { ...login, expiresAtMs: NOW_MS } })).toEqual(expired)
    expect(decide({ login: { ...login, expiresAtMs: NOW_MS }, spentAtMs: NOW_MS - 1 })).toEqual(expired)
  })

  it('is refused when the login has ended or the user is disabled, whatever else is so', () => {
    expect(decide({ ended: true })).toEqual(REFUSE)
    expect(decide({ disabled: true })).toEqual(REFUSE)
    expect(decide({ ended: true, spentAtMs: 0, successorSpent: true })).toEqual(REFUSE)
  })
})
