import { describe, expect, it } from 'vitest'
import { FailoverSessions } from '../../adapters/failover/index.js'
import { MemoryClock, MemorySessions } from '../../adapters/memory/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { SessionPort } from '../../core/ports/session-port.js'

const SESSION = { socketId: 's1', userId: 'u1', loginId: 'l1', connectedAtMs: 1 }

/** Sessions remembered in a primary that is up all the time and fails when it is told to, and counts what it is asked. */
function remembered() {
  const clock = new MemoryClock()
  const [kept, truth] = [new MemorySessions(() => false), new MemorySessions(() => false)]
  const primary = { fails: false, asked: 0, removals: 0 }
  const attempt = async <T>(call: () => Promise<T>): Promise<T> => {
    if (primary.fails) throw new PortUnavailable('SessionPort', new Error('no answer'))
    return call()
  }
  const failing: SessionPort = {
    put: (session) => attempt(() => kept.put(session)),
    find(socketId) {
      primary.asked += 1
      return attempt(() => kept.find(socketId))
    },
    remove(socketId) {
      primary.removals += 1
      return attempt(() => kept.remove(socketId))
    },
  }
  const health = { isUp: () => true, sinceMs: 0, switches: 1, onChange: () => () => undefined }
  return { clock, primary, kept, truth, sessions: new FailoverSessions(failing, truth, health, clock) }
}

describe('sessions remembered in a primary', () => {
  it('are asked of the truth while the primary may be outdated, which is mended by time', async () => {
    const { clock, primary, sessions, kept } = remembered()
    await sessions.put(SESSION)
    primary.fails = true
    await sessions.remove(SESSION.socketId)
    primary.fails = false
    expect(await sessions.find(SESSION.socketId)).toBeNull()
    expect(primary.asked).toBe(0)
    await clock.advance(10_000)
    expect(await kept.find(SESSION.socketId)).toBeNull()
    await sessions.put(SESSION)
    expect(await sessions.find(SESSION.socketId)).toEqual(SESSION)
    expect(primary.asked).toBe(1)
  })

  it('are tried again for as long as it fails, and not more than once a second', async () => {
    const { clock, primary, sessions } = remembered()
    await sessions.put(SESSION)
    primary.fails = true
    await sessions.remove(SESSION.socketId)
    await clock.advance(30_000)
    expect(primary.removals).toBeGreaterThan(5)
    expect(primary.removals).toBeLessThanOrEqual(31)
    primary.fails = false
    await clock.advance(5_000)
    const { removals } = primary
    await clock.advance(30_000)
    expect(primary.removals).toBe(removals)
  })
})
