import { describe, expect, it } from 'vitest'
import { brokenBuses } from './broken/broken-buses.js'
import { brokenCaches } from './broken/broken-caches.js'
import { brokenLimits } from './broken/broken-limits.js'
import { brokenLocks } from './broken/broken-locks.js'
import { brokenPresences } from './broken/broken-presences.js'
import { brokenSessions } from './broken/broken-sessions.js'
import { busPortContract } from './bus-port.contract.js'
import { cachePortContract } from './cache-port.contract.js'
import { failuresOf } from './failures-of.js'
import { lockPortContract } from './lock-port.contract.js'
import { presencePortContract } from './presence-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

type Contract<Fixture> = Readonly<Record<string, (fixture: Fixture) => Promise<void>>>
type Broken<Fixture> = Readonly<Record<string, () => Fixture>>

function proves<Fixture>(port: string, contract: Contract<Fixture>, broken: Broken<Fixture>): void {
  describe(`the contract of ${port}`, () => {
    const failed = new Set<string>()

    it.each(Object.entries(broken))('is failed by an adapter that %s', async (_flaw, fixture) => {
      const failures = await failuresOf(contract, fixture)
      for (const behaviour of failures) failed.add(behaviour)
      expect(failures).not.toEqual([])
    })

    it('has no behaviour that none of them fails', () => {
      expect(Object.keys(contract).filter((behaviour) => !failed.has(behaviour))).toEqual([])
    })
  })
}

proves('LockPort', lockPortContract, brokenLocks)
proves('RateLimitPort', rateLimitPortContract, brokenLimits)
proves('CachePort', cachePortContract, brokenCaches)
proves('SessionPort', sessionPortContract, brokenSessions)
proves('PresencePort', presencePortContract, brokenPresences)
proves('BusPort', busPortContract, brokenBuses)
