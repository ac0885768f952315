import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { LockPort } from '../../core/ports/lock-port.js'

export type LockFixture = {
  readonly lock: LockPort
  /** The same locks as another holds them: another process where the scope is `cluster`, else `lock` itself. */
  readonly peer: LockPort
  readonly passTimeMs: (ms: number) => Promise<void>
}

const LONG_MS = 20_000
const SHORT_MS = 150
const AFTER_SHORT_MS = 300

/** What every lock does; a record of behaviours, so that a test can also prove that a broken lock fails one. */
export const lockPortContract = {
  'refuses a second holder while the first holds': async ({ lock }) => {
    const key = randomUUID()
    assert.notEqual(await lock.tryAcquire(key, LONG_MS), null)
    assert.equal(await lock.tryAcquire(key, LONG_MS), null)
  },
  'refuses a holder elsewhere while the first holds': async ({ lock, peer }) => {
    const key = randomUUID()
    assert.notEqual(await lock.tryAcquire(key, LONG_MS), null)
    assert.equal(await peer.tryAcquire(key, LONG_MS), null)
  },
  'gives a released lock to the next': async ({ lock, peer }) => {
    const key = randomUUID()
    const first = await lock.tryAcquire(key, LONG_MS)
    assert.equal(await first?.release(), true)
    assert.notEqual(await peer.tryAcquire(key, LONG_MS), null)
  },
  'keeps keys apart, whatever characters they are made of': async ({ lock }) => {
    const prefix = randomUUID()
    for (const suffix of ['', ' ', '%', "'; drop table locks; --", '__proto__', 'é', 'e\u0301', '👩‍👧'])
      assert.notEqual(await lock.tryAcquire(`${prefix}${suffix}`, LONG_MS), null, `key ending in ${suffix}`)
  },
  'gives a lapsed lock to the next (pitfall 8)': async ({ lock, peer, passTimeMs }) => {
    const key = randomUUID()
    assert.notEqual(await lock.tryAcquire(key, SHORT_MS), null)
    await passTimeMs(AFTER_SHORT_MS)
    assert.notEqual(await peer.tryAcquire(key, LONG_MS), null)
  },
  'does not let a lapsed holder release its successor (pitfall 8)': async ({ lock, passTimeMs }) => {
    const key = randomUUID()
    const lapsed = await lock.tryAcquire(key, SHORT_MS)
    await passTimeMs(AFTER_SHORT_MS)
    const successor = await lock.tryAcquire(key, LONG_MS)
    assert.equal(await lapsed?.release(), false)
    assert.equal(await lock.tryAcquire(key, LONG_MS), null)
    assert.equal(await successor?.release(), true)
  },
  'answers false when a lock has lapsed before it is released': async ({ lock, passTimeMs }) => {
    const lapsed = await lock.tryAcquire(randomUUID(), SHORT_MS)
    await passTimeMs(AFTER_SHORT_MS)
    assert.equal(await lapsed?.release(), false)
  },
  'answers false when a lock is released a second time': async ({ lock, peer }) => {
    const key = randomUUID()
    const held = await lock.tryAcquire(key, LONG_MS)
    assert.equal(await held?.release(), true)
    assert.equal(await held?.release(), false)
    assert.notEqual(await peer.tryAcquire(key, LONG_MS), null)
    assert.equal(await held?.release(), false)
  },
  'gives a lock to exactly one of many who race for it': async ({ lock, peer }) => {
    const key = randomUUID()
    const racers = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? lock : peer).tryAcquire(key, LONG_MS),
    )
    const holders = (await Promise.all(racers)).filter((held) => held !== null)
    assert.equal(holders.length, 1)
  },
} satisfies Record<string, (fixture: LockFixture) => Promise<void>>
