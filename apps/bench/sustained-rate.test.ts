import { describe, expect, it } from 'vitest'
import type { StepResult } from './load/protocol.js'
import { failureOf, type Sustained, searchSustainedRate } from './sustained-rate.js'

const SEARCH = { startPerSecond: 100, growth: 1.6, precision: 1.05, stepsMax: 40 }
const QUICKLY = { p50: 1, p99: 2, max: 3 }

function step(perSecond: number, more: Partial<StepResult> = {}): StepResult {
  const sent = 1_000
  return {
    perSecond,
    sent,
    acked: sent,
    refused: 0,
    refusal: null,
    expectedDeliveries: sent * 2,
    delivered: sent * 2,
    surplus: 0,
    fellBehind: false,
    closed: 0,
    ackMs: QUICKLY,
    deliveryMs: QUICKLY,
    ackFromWriteMs: QUICKLY,
    loadCpu: 0.5,
    serverCpu: 0.9,
    coresBusy: null,
    ...more,
  }
}

function found(run: (perSecond: number) => StepResult, search = SEARCH): Sustained {
  const steps = searchSustainedRate(search)
  let asked = steps.next()
  while (asked.done !== true) asked = steps.next(run(asked.value))
  return asked.value
}

describe('the sustained rate', () => {
  it.each([40, 100, 730, 21_000])('is found within its precision at a limit of %d', (limit) => {
    const { best, limitedByLoad } = found((perSecond) => step(perSecond, { fellBehind: perSecond > limit }))
    expect(best?.perSecond).toBeLessThanOrEqual(limit)
    expect((best?.perSecond ?? 0) * SEARCH.precision).toBeGreaterThanOrEqual(limit)
    expect(limitedByLoad).toBe(false)
  })

  it('is not cut down by one step that somebody else disturbed', () => {
    let disturbed = false
    const { best } = found((perSecond) => {
      const disturb = perSecond > 300 && !disturbed
      disturbed ||= disturb
      return step(perSecond, { fellBehind: disturb || perSecond > 1_000 })
    })
    expect(best?.perSecond).toBeGreaterThan(940)
  })

  it('says so when the load generator gave out before the server', () => {
    const run = (perSecond: number) =>
      step(perSecond, { fellBehind: perSecond > 1_000, loadCpu: Math.min(1, perSecond / 1_000) })
    expect(found(run).limitedByLoad).toBe(true)
  })

  it('is none where no rate holds', () => {
    const { best } = found((rate) => step(rate, { refused: 1 }), { ...SEARCH, stepsMax: 6 })
    expect(best).toBeNull()
  })
})

describe('a step', () => {
  it.each<[string, Partial<StepResult>]>([
    ['too many', { surplus: 1 }],
    ['refused', { refused: 1, acked: 999 }],
    ['not acked', { acked: 998 }],
    ['not delivered', { delivered: 1_990 }],
    ['p99 of acks', { ackMs: { ...QUICKLY, p99: 101 } }],
    ['p99 of deliveries', { deliveryMs: { ...QUICKLY, p99: Number.NaN } }],
    ['closed', { closed: 1 }],
  ])('fails where something is amiss: %s', (failure, flaw) => {
    expect(failureOf(step(1, flaw))).toContain(failure)
  })

  it('holds where all came once and in time', () => {
    expect(failureOf(step(1))).toBeNull()
  })
})
