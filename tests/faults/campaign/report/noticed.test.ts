import { describe, expect, it } from 'vitest'
import type { Call, History } from '../../checker/history.js'
import { deliveredInTime, noticed } from './noticed.js'

const call = (given: Partial<Call>): Call => ({
  client: 'c',
  user: 'u',
  session: 'u/1',
  conn: null,
  instance: 'i1',
  f: 'history',
  room: 'r',
  type: 'ok',
  t_invoke: 10,
  t_end: 11,
  ...given,
})

const historyOf = (...calls: Call[]): History => ({
  header: { type: 'header', run: 'run', seed: 1, configuration: {}, instances: ['i1'] },
  calls,
  connections: [],
  received: [],
  rendered: [],
  faults: [],
  finals: [],
  sockets: [],
  samples: [],
  stalls: [],
})

const joined = call({ f: 'accept', t_invoke: 1, t_end: 2 })
const violations = (...calls: Call[]) => noticed(historyOf(joined, ...calls)).violations

describe('what users notice', () => {
  it.each([
    ['a server without an answer', call({ type: 'info', code: 'UNAVAILABLE' })],
    ['a limit', call({ type: 'fail', code: 'RATE_LIMITED' })],
    ['a call that nobody answered', call({ type: 'info', code: 'TimeoutError' })],
    ['a server that cannot be reached', call({ type: 'fail', code: 'NOT_SENT' })],
    ['a member taken for a stranger', call({ type: 'fail', code: 'NOT_FOUND' })],
    ['a login taken for one that has ended', call({ type: 'fail', code: 'UNAUTHENTICATED' })],
  ])('is %s', (_what, failed) => {
    expect(violations(failed)).toHaveLength(1)
  })

  it('is not what an ended login, a stranger or a removed member is refused', () => {
    const ended = call({ f: 'revoke', ends: ['u/2'], t_invoke: 5, t_end: 6 })
    const removal = call({ user: 'owner', f: 'remove', subject: 'u', t_invoke: 7, t_end: 8 })
    expect(violations(ended, call({ session: 'u/2', type: 'fail', code: 'UNAUTHENTICATED' }))).toEqual([])
    expect(violations(call({ user: 'spy', type: 'fail', code: 'NOT_FOUND' }))).toEqual([])
    expect(violations(removal, call({ type: 'fail', code: 'NOT_FOUND' }))).toEqual([])
    const again = call({ f: 'accept', t_invoke: 8.2, t_end: 8.5 })
    expect(violations(removal, again, call({ type: 'fail', code: 'NOT_FOUND' }))).toHaveLength(1)
  })

  it('is not what a socket leaves unanswered that its client left', () => {
    expect(violations(call({ conn: 'c#1', type: 'info', code: 'DISCONNECTED' }))).toEqual([])
  })

  it('is not a join that its own client left before it was answered, and is any other', () => {
    const join = call({ f: 'join', conn: 'c#1', type: 'info', code: 'UNAVAILABLE' })
    const leave = (given: Partial<Call>) => call({ f: 'leave', conn: 'c#1', t_invoke: 10.5, ...given })
    expect(violations(join, leave({}))).toEqual([])
    for (const other of [{ conn: 'd#1' }, { room: 's' }, { t_invoke: 9 }, { t_invoke: 11.5, t_end: 12 }])
      expect(violations(join, leave(other))).toHaveLength(1)
  })

  it('is not found in a history without calls: that is nothing checked', () => {
    expect(noticed(historyOf())).toMatchObject({ checked: 0, violations: [] })
  })
})

describe('delivery in time', () => {
  const latency = (p99Ms: number) => ({ count: 100, p50Ms: 5, p99Ms })
  const none = { before: null, during: null, after: null }
  const experience = (during: number, after: number) => ({
    sends: 1,
    acks: 1,
    pushes: 1,
    refused: 0,
    unanswered: 0,
    ack: none,
    delivery: { before: latency(5_000), during: latency(during), after: latency(after) },
  })

  it('is judged during the fault and after it', () => {
    expect(deliveredInTime(experience(900, 40), 1_000)).toMatchObject({ checked: 200, violations: [] })
    expect(deliveredInTime(experience(1_100, 40), 1_000).violations).toEqual(['1100 ms during the fault'])
    expect(deliveredInTime(experience(40, 1_100), 1_000).violations).toEqual(['1100 ms after it'])
    expect(deliveredInTime({ ...experience(1, 1), delivery: none }, 1_000).checked).toBe(0)
  })
})
