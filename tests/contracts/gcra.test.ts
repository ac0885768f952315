import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryRateLimit } from '../../adapters/memory/memory-rate-limit.js'
import type { RateLimit } from '../../core/domain/gcra.js'
import { GCRA_VECTORS } from './gcra-vectors.js'
import { HeldClock } from './held-clock.js'

const LIMIT = fc.record({
  perMinute: fc.integer({ min: 1, max: 6_000 }),
  burst: fc.integer({ min: 1, max: 20 }),
})
const PAUSES_MS = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })), { maxLength: 200 })

/** When calls were allowed that came after these pauses. */
async function allowedAt(limit: RateLimit, pausesMs: readonly number[]): Promise<readonly number[]> {
  const clock = new HeldClock()
  const limits = new MemoryRateLimit(clock)
  const times: number[] = []
  for (const pauseMs of pausesMs) {
    clock.pass(pauseMs)
    if ((await limits.take('key', limit)).allowed) times.push(clock.nowMs())
  }
  return times
}

describe('MemoryRateLimit', () => {
  it.each(GCRA_VECTORS)('answers the vector: $name', async ({ limit, calls }) => {
    const clock = new HeldClock(0)
    const limits = new MemoryRateLimit(clock)
    for (const [atMs, retryAfterMs] of calls) {
      clock.pass(atMs - clock.nowMs())
      const allowance = await limits.take('key', limit)
      expect([atMs, allowance.allowed ? null : allowance.retryAfterMs]).toEqual([atMs, retryAfterMs])
    }
  })

  it('allows in no window of any length more than the burst and what flows in during it (pitfall 10)', async () => {
    await fc.assert(
      fc.asyncProperty(LIMIT, PAUSES_MS, async (limit, pausesMs) => {
        const times = await allowedAt(limit, pausesMs)
        for (const [first, fromMs] of times.entries())
          for (const [more, toMs] of times.slice(first).entries()) {
            const flowedIn = ((toMs - fromMs) * limit.perMinute) / 60_000
            // The arithmetic is in floating point; a thousandth of a call is no call.
            expect(more + 1).toBeLessThanOrEqual(limit.burst + flowedIn + 1e-3)
          }
      }),
    )
  })

  it('allows every call that comes when it was told to (pitfall 10)', async () => {
    await fc.assert(
      fc.asyncProperty(LIMIT, fc.integer({ min: 1, max: 50 }), async (limit, calls) => {
        const clock = new HeldClock()
        const limits = new MemoryRateLimit(clock)
        for (let call = 0; call < calls; call += 1) {
          const allowance = await limits.take('key', limit)
          if (allowance.allowed) continue
          clock.pass(allowance.retryAfterMs)
          expect(await limits.take('key', limit)).toEqual({ allowed: true })
        }
      }),
    )
  })

  it('remembers a bounded number of keys, and forgets first those that are as good as new', async () => {
    const clock = new HeldClock()
    const limits = new MemoryRateLimit(clock, 100)
    const limit = { perMinute: 60, burst: 1 }
    for (let key = 0; key < 90; key += 1) await limits.take(`old ${key}`, limit)
    clock.pass(2_000)
    await limits.take('spent', limit)
    for (let key = 0; key < 98; key += 1) await limits.take(`new ${key}`, limit)
    expect(limits.size).toBeLessThanOrEqual(100)
    expect(await limits.take('spent', limit)).toEqual({ allowed: false, retryAfterMs: 1_000 })
    for (let key = 0; key < 1_000; key += 1) await limits.take(`more ${key}`, limit)
    expect(limits.size).toBeLessThanOrEqual(100)
  })
})
