import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gcra, type RateLimit } from './gcra.js'

const LIMIT: RateLimit = { perMinute: 60, burst: 3 }

describe('gcra', () => {
  it('lets a burst through at once, then one each interval', () => {
    let tat: number | null = null
    const allowed = [0, 0, 0, 0, 999, 1_000, 1_001].map((nowMs) => {
      const step = gcra(tat, nowMs, LIMIT)
      tat = step.tatMs
      return step.allowance.allowed
    })
    expect(allowed).toEqual([true, true, true, false, false, true, false])
  })

  it('allows the first call at any time and rate, whatever fractions of a ms the interval has', () => {
    for (const perMinute of [7, 9, 11, 13, 23])
      for (let nowMs = 1_500; nowMs < 1_600; nowMs += 1)
        expect(gcra(null, nowMs, { perMinute, burst: 1 }).allowance.allowed, `${perMinute} at ${nowMs}`).toBe(
          true,
        )
  })

  it('makes nobody wait longer than a full burst after the clock was set back (fault N6)', () => {
    const anHourAhead = gcra(null, 3_600_000, LIMIT).tatMs
    const { allowance } = gcra(anHourAhead, 0, LIMIT)
    expect(allowance).toEqual({ allowed: false, retryAfterMs: 1_000 })
  })

  it('tells exactly when the next call passes (pitfall 10)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 40 }),
        fc.record({ perMinute: fc.integer({ min: 1, max: 6_000 }), burst: fc.integer({ min: 1, max: 50 }) }),
        (gaps, limit) => {
          let tat: number | null = null
          let nowMs = 0
          for (const gap of gaps) {
            nowMs += gap
            const step = gcra(tat, nowMs, limit)
            tat = step.tatMs
            if (step.allowance.allowed) continue
            const { retryAfterMs } = step.allowance
            expect(gcra(tat, nowMs + retryAfterMs, limit).allowance.allowed).toBe(true)
            if (retryAfterMs > 1)
              expect(gcra(tat, nowMs + retryAfterMs - 1, limit).allowance.allowed).toBe(false)
          }
        },
      ),
    )
  })

  it('never allows more than burst + rate × t in any window of length t (pitfall 10)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 80 }), (gaps) => {
        let tat: number | null = null
        let nowMs = 0
        const passed: number[] = []
        for (const gap of gaps) {
          nowMs += gap
          const step = gcra(tat, nowMs, LIMIT)
          tat = step.tatMs
          if (step.allowance.allowed) passed.push(nowMs)
        }
        for (const [i, from] of passed.entries())
          for (const [j, to] of passed.entries())
            if (j >= i)
              expect(j - i + 1).toBeLessThanOrEqual(
                LIMIT.burst + ((to - from) * LIMIT.perMinute) / 60_000 + 1e-6,
              )
      }),
    )
  })
})
