import { randomUUID } from 'node:crypto'
import { describe, it } from 'vitest'
import { MemoryBusHub } from '../../adapters/memory/memory-bus.js'
import { MemoryCache } from '../../adapters/memory/memory-cache.js'
import { MemoryLock } from '../../adapters/memory/memory-lock.js'
import { MemoryPresence, MemoryPresenceHub } from '../../adapters/memory/memory-presence.js'
import { MemoryRateLimit } from '../../adapters/memory/memory-rate-limit.js'
import { MemorySessions } from '../../adapters/memory/memory-sessions.js'
import { busPortContract } from './bus-port.contract.js'
import { cachePortContract } from './cache-port.contract.js'
import { HeldClock } from './held-clock.js'
import { lockPortContract } from './lock-port.contract.js'
import { presencePortContract } from './presence-port.contract.js'
import { rateLimitPortContract } from './rate-limit-port.contract.js'
import { sessionPortContract } from './session-port.contract.js'

const held = () => {
  const clock = new HeldClock()
  return { clock, passTimeMs: async (ms: number) => clock.pass(ms) }
}

describe('MemoryLock', () => {
  it.each(Object.entries(lockPortContract))('%s', async (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    const lock = new MemoryLock(clock)
    await verify({ lock, peer: lock, passTimeMs })
  })
})

describe('MemoryRateLimit', () => {
  it.each(Object.entries(rateLimitPortContract))('%s', async (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    const limits = new MemoryRateLimit(clock)
    await verify({ limits, peer: limits, passTimeMs })
  })
})

describe('MemoryCache', () => {
  it.each(Object.entries(cachePortContract))('%s', async (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    await verify({ cache: new MemoryCache(clock), passTimeMs })
  })
})

describe('MemoryPresence', () => {
  it.each(Object.entries(presencePortContract))('%s', async (_behaviour, verify) => {
    const { clock, passTimeMs } = held()
    const hub = new MemoryPresenceHub()
    await verify({ boot: () => new MemoryPresence(clock, hub), leaseMs: 30_000, passTimeMs })
  })
})

describe('MemorySessions', () => {
  it.each(Object.entries(sessionPortContract))('%s', async (_behaviour, verify) => {
    const ended = new Set<string>()
    const shared = new Map()
    const open = () => new MemorySessions((loginId) => ended.has(loginId), shared)
    await verify({
      sessions: open(),
      peer: open(),
      openLogin: async () => ({ userId: randomUUID(), loginId: randomUUID() }),
      endLogin: async (loginId) => void ended.add(loginId),
    })
  })
})

describe('MemoryBus', () => {
  it.each(Object.entries(busPortContract))('%s', async (_behaviour, verify) => {
    const hub = new MemoryBusHub(new HeldClock())
    await verify({ a: hub.endpoint(), b: hub.endpoint(), c: hub.endpoint() })
  })
})
