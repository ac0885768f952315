import { MemoryRateLimit } from '../../../adapters/memory/memory-rate-limit.js'
import type { Allowance, RateLimit } from '../../../core/domain/gcra.js'
import type { RateLimitPort } from '../../../core/ports/rate-limit-port.js'
import { HeldClock } from '../held-clock.js'
import type { RateLimitFixture } from '../rate-limit-port.contract.js'

type Take = (key: string, limit: RateLimit) => Promise<Allowance>

const fixture = (make: (clock: HeldClock, sound: RateLimitPort) => Take): RateLimitFixture => {
  const clock = new HeldClock()
  const limits: RateLimitPort = { scope: 'process', take: make(clock, new MemoryRateLimit(clock)) }
  return { limits, peer: limits, passTimeMs: async (ms) => clock.pass(ms) }
}

const refusal = (retryAfterMs: number): Allowance => ({ allowed: false, retryAfterMs })

/** Counts what it refuses, so that whoever knocks in vain waits longer for it. */
const countsRefusals = () =>
  fixture((clock) => {
    const tats = new Map<string, number>()
    return async (key, { perMinute, burst }) => {
      const nowMs = clock.nowMs()
      const next = Math.max(tats.get(key) ?? nowMs, nowMs) + 60_000 / perMinute
      tats.set(key, next)
      const waitMs = next - (burst * 60_000) / perMinute - nowMs
      return waitMs > 0 ? refusal(waitMs) : { allowed: true }
    }
  })

/** Saves up what was not used. */
const savesUp = () =>
  fixture((clock) => {
    const tats = new Map<string, number>()
    return async (key, { perMinute, burst }) => {
      const nowMs = clock.nowMs()
      const next = (tats.get(key) ?? nowMs) + 60_000 / perMinute
      const waitMs = next - (burst * 60_000) / perMinute - nowMs
      if (waitMs > 0) return refusal(Math.ceil(waitMs))
      tats.set(key, next)
      return { allowed: true }
    }
  })

/** Begins to count anew in each window, so that two bursts come one right after the other. */
const countsByWindows = () =>
  fixture((clock) => {
    const windows = new Map<string, { readonly untilMs: number; calls: number }>()
    return async (key, { perMinute, burst }) => {
      const nowMs = clock.nowMs()
      const present = windows.get(key)
      const window =
        present === undefined || present.untilMs <= nowMs
          ? { untilMs: nowMs + (burst * 60_000) / perMinute, calls: 0 }
          : present
      windows.set(key, window)
      if (window.calls >= burst) return refusal(window.untilMs - nowMs)
      window.calls += 1
      return { allowed: true }
    }
  })

/** Counts in its own process only. */
const countsAtHomeOnly = (): RateLimitFixture => {
  const clock = new HeldClock()
  return {
    limits: new MemoryRateLimit(clock),
    peer: new MemoryRateLimit(clock),
    passTimeMs: async (ms) => clock.pass(ms),
  }
}

/** Answers calls made at once in the order in which the store happened to answer. */
const mixesUpAnswers = () =>
  fixture((_clock, sound) => {
    let previous: Allowance = { allowed: true }
    return async (key, limit) => {
      const answer = previous
      previous = await sound.take(key, limit)
      return answer
    }
  })

export const brokenLimits: Readonly<Record<string, () => RateLimitFixture>> = {
  countsRefusals,
  savesUp,
  countsByWindows,
  countsAtHomeOnly,
  mixesUpAnswers,
  allowsEverything: () => fixture(() => async () => ({ allowed: true })),
  refusesEverything: () => fixture(() => async () => refusal(1)),
  countsAllKeysAsOne: () => fixture((_clock, sound) => async (_key, limit) => sound.take('key', limit)),
  trimsKeys: () =>
    fixture((_clock, sound) => async (key, limit) => sound.take(key.trim().normalize('NFC'), limit)),
  tellsToComeTooSoon: () =>
    fixture((_clock, sound) => async (key, limit) => {
      const allowance = await sound.take(key, limit)
      return allowance.allowed ? allowance : refusal(allowance.retryAfterMs - 1)
    }),
  forgetsTheBurst: () =>
    fixture(
      (_clock, sound) =>
        async (key, { perMinute }) =>
          sound.take(key, { perMinute, burst: 1 }),
    ),
}
