import { randomUUID } from 'node:crypto'
import { MemoryLock } from '../../../adapters/memory/memory-lock.js'
import type { HeldLock, LockPort } from '../../../core/ports/lock-port.js'
import { HeldClock } from '../held-clock.js'
import type { LockFixture } from '../lock-port.contract.js'
import { brokenBy } from './broken-by.js'

type Release = (held: HeldLock) => Promise<boolean>

const fixture = (make: (clock: HeldClock) => LockPort): LockFixture => {
  const clock = new HeldClock()
  const lock = make(clock)
  return { lock, peer: lock, passTimeMs: async (ms) => clock.pass(ms) }
}

const releasing = (release: Release) => () =>
  fixture((clock) => {
    const sound = new MemoryLock(clock)
    return brokenBy<LockPort>(sound, {
      tryAcquire: async (key, ttlMs) => {
        const held = await sound.tryAcquire(key, ttlMs)
        return held === null ? null : { release: () => release(held) }
      },
    })
  })

/** Knows its locks by key alone, so whoever releases last releases whoever holds. */
function forgetsWhoHolds(): LockFixture {
  return fixture((clock) => {
    const expiries = new Map<string, number>()
    return {
      scope: 'process',
      tryAcquire: async (key, ttlMs) => {
        if ((expiries.get(key) ?? 0) > clock.nowMs()) return null
        expiries.set(key, clock.nowMs() + ttlMs)
        return { release: async () => expiries.delete(key) }
      },
    }
  })
}

/** Looks whether the lock is free, and takes it later. */
function looksBeforeItTakes(): LockFixture {
  return fixture((clock) => {
    const sound = new MemoryLock(clock)
    const held = new Set<string>()
    return brokenBy<LockPort>(sound, {
      tryAcquire: async (key, ttlMs) => {
        if (held.has(key)) return null
        await Promise.resolve()
        held.add(key)
        return (await sound.tryAcquire(key, ttlMs)) ?? { release: async () => held.delete(key) }
      },
    })
  })
}

/** Excludes only within the process. */
function excludesAtHomeOnly(): LockFixture {
  const clock = new HeldClock()
  return {
    lock: new MemoryLock(clock),
    peer: new MemoryLock(clock),
    passTimeMs: async (ms) => clock.pass(ms),
  }
}

const on = (change: (key: string, ttlMs: number) => [string, number]) => () =>
  fixture((clock) => {
    const sound = new MemoryLock(clock)
    return brokenBy<LockPort>(sound, { tryAcquire: (key, ttlMs) => sound.tryAcquire(...change(key, ttlMs)) })
  })

export const brokenLocks: Readonly<Record<string, () => LockFixture>> = {
  forgetsWhoHolds,
  looksBeforeItTakes,
  excludesAtHomeOnly,
  givesToEveryone: on((key, ttlMs) => [`${key}${randomUUID()}`, ttlMs]),
  neverLapses: on((key, ttlMs) => [key, ttlMs * 1_000]),
  trimsKeys: on((key, ttlMs) => [key.trim().normalize('NFC'), ttlMs]),
  neverReleases: releasing(async () => true),
  alwaysSaysItReleased: releasing(async (held) => {
    await held.release()
    return true
  }),
  neverSaysItReleased: releasing(async (held) => {
    await held.release()
    return false
  }),
}
