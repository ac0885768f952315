import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Allowance, RateLimit } from '../../core/domain/gcra.js'
import type { RateLimitPort } from '../../core/ports/rate-limit-port.js'

export type RateLimitFixture = {
  readonly limits: RateLimitPort
  /** The same counters as another process sees them where the scope is `cluster`, else `limits` itself. */
  readonly peer: RateLimitPort
  readonly passTimeMs: (ms: number) => Promise<void>
}

/** One call a minute after the burst: nothing comes back while a test runs. */
const slow = (burst: number): RateLimit => ({ perMinute: 1, burst })
/** One call comes back each second. */
const EACH_SECOND: RateLimit = { perMinute: 60, burst: 2 }

/** In calls: a store's clock may run a little faster than this one. */
const CLOCKS_DIFFER_BY = 0.1

const countAllowed = (allowances: readonly Allowance[]): number =>
  allowances.filter((allowance) => allowance.allowed).length

async function retryAfterMsOf(limits: RateLimitPort, key: string, limit: RateLimit): Promise<number> {
  const allowance = await limits.take(key, limit)
  return allowance.allowed ? assert.fail('was allowed') : allowance.retryAfterMs
}

/** What every rate limit does. */
export const rateLimitPortContract = {
  'allows a burst and refuses the call after it': async ({ limits }) => {
    const key = randomUUID()
    for (let call = 0; call < 3; call += 1)
      assert.deepEqual(await limits.take(key, slow(3)), { allowed: true })
    const retryAfterMs = await retryAfterMsOf(limits, key, slow(3))
    assert.ok(retryAfterMs > 50_000 && retryAfterMs <= 60_000, `retry after ${retryAfterMs} ms`)
  },
  'allows the call that comes exactly when it was told to (pitfall 10)': async ({ limits, passTimeMs }) => {
    const key = randomUUID()
    for (let call = 0; call < 2; call += 1) await limits.take(key, EACH_SECOND)
    await passTimeMs(await retryAfterMsOf(limits, key, EACH_SECOND))
    assert.deepEqual(await limits.take(key, EACH_SECOND), { allowed: true })
  },
  'takes nothing for a refused call': async ({ limits, passTimeMs }) => {
    const key = randomUUID()
    for (let call = 0; call < 20; call += 1) await limits.take(key, EACH_SECOND)
    const retryAfterMs = await retryAfterMsOf(limits, key, EACH_SECOND)
    assert.ok(retryAfterMs <= 1_000, `retry after ${retryAfterMs} ms`)
    await passTimeMs(retryAfterMs)
    assert.deepEqual(await limits.take(key, EACH_SECOND), { allowed: true })
  },
  'gives back no more than the burst after a long rest': async ({ limits, passTimeMs }) => {
    const key = randomUUID()
    await limits.take(key, EACH_SECOND)
    await passTimeMs(4_000)
    const calls = Array.from({ length: 6 }, () => limits.take(key, EACH_SECOND))
    assert.equal(countAllowed(await Promise.all(calls)), 2)
  },
  'keeps keys apart, whatever characters they are made of': async ({ limits }) => {
    const prefix = randomUUID()
    for (const suffix of ['', ' ', '%', "';--", '__proto__', 'é', 'e\u0301', '👩‍👧'])
      assert.deepEqual(await limits.take(`${prefix}${suffix}`, slow(1)), { allowed: true }, `key ${suffix}`)
  },
  'counts what two processes take together': async ({ limits, peer }) => {
    const key = randomUUID()
    const allowances = [
      await limits.take(key, slow(2)),
      await peer.take(key, slow(2)),
      await limits.take(key, slow(2)),
      await peer.take(key, slow(2)),
    ]
    assert.equal(countAllowed(allowances), 2)
  },
  'allows no more than the burst to calls made at once (pitfall 10)': async ({ limits, peer }) => {
    const key = randomUUID()
    const calls = Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? limits : peer).take(key, slow(7)),
    )
    assert.equal(countAllowed(await Promise.all(calls)), 7)
  },
  'allows in no window more than the burst and what flows in meanwhile (pitfall 10)': async ({
    limits,
    peer,
    passTimeMs,
  }) => {
    const [key, limit] = [randomUUID(), { perMinute: 120, burst: 5 }]
    const allowed: { readonly beganMs: number; readonly endedMs: number }[] = []
    // The time that passes by itself, and that which is made to pass.
    const startedMs = performance.now()
    let passedMs = 0
    const nowMs = () => Math.max(passedMs, performance.now() - startedMs)
    const pass = async (ms: number) => {
      await passTimeMs(ms)
      passedMs += ms
    }
    const take = async (process: RateLimitPort) => {
      const beganMs = nowMs()
      if ((await process.take(key, limit)).allowed) allowed.push({ beganMs, endedMs: nowMs() })
    }
    await take(limits)
    // Just before a window would end that began with the first call.
    await pass(2_400)
    for (let step = 0; step < 20; step += 1) {
      for (let call = 0; call < limit.burst; call += 1) await take(call % 2 === 0 ? limits : peer)
      await pass(100)
    }
    assert.ok(allowed.length > limit.burst + 1, 'nothing flowed in')
    for (const [first, { beganMs }] of allowed.entries())
      for (const [more, { endedMs }] of allowed.slice(first).entries()) {
        const most = limit.burst + ((endedMs - beganMs) * limit.perMinute) / 60_000
        assert.ok(more + 1 <= most + CLOCKS_DIFFER_BY, `${more + 1} in ${endedMs - beganMs} ms`)
      }
  },
  'answers each of many keys asked for at once with its own': async ({ limits }) => {
    const keys = Array.from({ length: 30 }, () => randomUUID())
    const spent = keys.filter((_, index) => index % 3 === 0)
    for (const key of spent) await limits.take(key, slow(1))
    const allowances = await Promise.all(keys.map((key) => limits.take(key, slow(1))))
    assert.deepEqual(
      keys.filter((_, index) => allowances[index]?.allowed === false),
      spent,
    )
  },
} satisfies Record<string, (fixture: RateLimitFixture) => Promise<void>>
