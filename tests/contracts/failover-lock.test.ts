import { describe, expect, it } from 'vitest'
import { FailoverLock } from '../../adapters/failover/index.js'
import { MemoryClock, MemoryLock } from '../../adapters/memory/index.js'
import type { LockPort } from '../../core/ports/lock-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'

const LONG_MS = 60_000
const AWAY: LockPort = {
  scope: 'cluster',
  tryAcquire: () => Promise.reject(new PortUnavailable('LockPort', new Error('no answer'))),
}
const health = (isUp: boolean) => ({
  isUp: () => isUp,
  sinceMs: 0,
  switches: 1,
  onChange: () => () => undefined,
})

describe('a lock in two places', () => {
  it.each([true, false])(
    'tells that nobody could be asked from that another holds it, the first one counting as up: %s (pitfall 8)',
    async (isUp) => {
      const other = new MemoryLock(new MemoryClock())
      const lock = new FailoverLock(AWAY, other, health(isUp))
      expect(await lock.tryAcquire('key', LONG_MS)).not.toBeNull()
      expect(await lock.tryAcquire('key', LONG_MS)).toBeNull()
      const alone = new FailoverLock(AWAY, AWAY, health(isUp))
      await expect(alone.tryAcquire('key', LONG_MS)).rejects.toBeInstanceOf(PortUnavailable)
    },
  )

  it('asks nobody else where the first one says that it is held (pitfall 8)', async () => {
    const first = new MemoryLock(new MemoryClock())
    await first.tryAcquire('key', LONG_MS)
    const lock = new FailoverLock(first, new MemoryLock(new MemoryClock()), health(true))
    expect(await lock.tryAcquire('key', LONG_MS)).toBeNull()
  })
})
