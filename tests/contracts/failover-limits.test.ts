import { describe, expect, it } from 'vitest'
import { FailoverRateLimit } from '../../adapters/failover/index.js'
import { MemoryClock, MemoryRateLimit } from '../../adapters/memory/index.js'
import type { RateLimit } from '../../core/domain/gcra.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'

const primary: RateLimitPort = {
  scope: 'cluster',
  take: () => Promise.reject(new PortUnavailable('RateLimitPort', new Error('no answer'))),
}

/** So many processes that have lost their primary. */
function processes(count: number, isGuarded = false) {
  const clock = new MemoryClock()
  const shared = new MemoryRateLimit(clock)
  const health = { isUp: () => false, sinceMs: 0, switches: 0, onChange: () => () => undefined }
  const limits = Array.from({ length: count }, () => {
    const local = new MemoryRateLimit(clock)
    const fallbacks = { local, shared, processes: () => count, isGuarded: () => isGuarded }
    return new FailoverRateLimit(primary, fallbacks, health)
  })
  /** How many calls all of them together let through, each asked as often as there is any sense in. */
  const allowed = async (limit: RateLimit, key = 'key'): Promise<number> => {
    let sum = 0
    for (const process of limits)
      for (let call = 0; call < 2 * limit.burst + 2; call += 1)
        if ((await process.take(key, limit)).allowed) sum += 1
    return sum
  }
  return { clock, allowed, limits }
}

describe('limits without their primary', () => {
  it.each([1, 2, 3, 4, 6])(
    'are shared out, so that %i processes together allow the limit (pitfall 10)',
    async (count) => {
      const { clock, allowed } = processes(count)
      const limit = { perMinute: 60, burst: 12 }
      expect(await allowed(limit)).toBe(12)
      await clock.advance(12_000)
      expect(await allowed(limit)).toBe(12)
      await clock.advance(60_000)
      expect(await allowed(limit)).toBe(12)
    },
  )

  it('allow no more than the limit over a longer time (pitfall 10)', async () => {
    const { clock, allowed } = processes(3)
    const limit = { perMinute: 60, burst: 6 }
    let sum = 0
    for (let second = 0; second < 120; second += 1) {
      sum += await allowed(limit)
      await clock.advance(1_000)
    }
    expect(sum).toBeLessThanOrEqual(6 + 120)
    expect(sum).toBeGreaterThan(110)
  })

  it.each([3, 50])(
    'never come to nothing, though %i processes share less than a call each',
    async (count) => {
      const { clock, limits } = processes(count)
      const limit = { perMinute: 1, burst: 2 }
      for (const process of limits) expect((await process.take('key', limit)).allowed).toBe(true)
      const refused = await limits[0]?.take('key', limit)
      if (refused?.allowed !== false) throw new Error('was allowed')
      await clock.advance(refused.retryAfterMs)
      expect((await limits[0]?.take('key', limit))?.allowed).toBe(true)
    },
  )

  it('are counted by all processes together where a share would not guard well enough', async () => {
    const { allowed } = processes(4, true)
    expect(await allowed({ perMinute: 1, burst: 7 })).toBe(7)
  })
})
