import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FailoverPresence } from '../../adapters/failover/index.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { PresenceStore } from '../support/presence-store.js'
import { SwitchedHealth } from '../support/switched-health.js'
import { eventually } from './eventually.js'

/** Longer than any move takes here. */
const LONG_MS = 300

describe('FailoverPresence on the move', () => {
  const open: FailoverPresence[] = []
  const boot = (options = {}) => {
    const [health, primary, fallback] = [new SwitchedHealth(), new PresenceStore(), new PresenceStore()]
    const settings = { leaveAfterMs: 10, returnAfterMs: 30, lookEveryMs: 10, ...options }
    const presence = new FailoverPresence({ primary, fallback }, health, settings)
    open.push(presence)
    const isIn = (side: 'primary' | 'fallback') =>
      eventually(`the ${side}`, () => presence.state().state === side)
    return { health, primary, fallback, presence, isIn }
  }

  afterEach(async () => {
    for (const presence of open.splice(0)) await presence.leave()
  })

  it('brings a socket along whose coming the primary told of only after it was to be left', async () => {
    const { health, primary, fallback, presence, isIn } = boot()
    primary.hold()
    const coming = presence.announce('u1', 's1', 'online')
    health.turn(false)
    await sleep(LONG_MS)
    primary.release()
    expect(await coming).toEqual({ before: 'offline', after: 'online' })
    await isIn('fallback')
    await eventually('the socket in the fallback', () => fallback.sockets.has('s1'))
  })

  it('leaves a socket behind whose going the primary told of only after it was to be left', async () => {
    const { health, primary, fallback, presence, isIn } = boot()
    await presence.announce('u1', 's1', 'online')
    await presence.announce('u2', 's2', 'online')
    primary.hold()
    const going = presence.withdraw('u1', 's1')
    health.turn(false)
    await sleep(LONG_MS)
    primary.release()
    expect(await going).toEqual({ before: 'online', after: 'offline' })
    await isIn('fallback')
    await eventually('the other socket in the fallback', () => fallback.sockets.has('s2'))
    expect([...fallback.sockets.keys()]).toEqual(['s2'])
  })

  it('tells a change again where the sockets went on without a call that takes too long', async () => {
    const { health, primary, fallback, presence, isIn } = boot({ drainMs: 20 })
    primary.hold()
    const coming = presence.announce('u1', 's1', 'online')
    health.turn(false)
    await isIn('fallback')
    primary.release()
    expect(await coming).toEqual({ before: 'offline', after: 'online' })
    expect([...fallback.sockets.keys()]).toEqual(['s1'])
  })

  it('lets a call that begins in a move wait for its end', async () => {
    const { health, fallback, presence, isIn } = boot()
    await presence.announce('u1', 's1', 'online')
    fallback.hold()
    health.turn(false)
    await isIn('fallback')
    const withdrawn = presence.withdraw('u1', 's1')
    await sleep(LONG_MS)
    expect(fallback.attempts).toBe(1)
    fallback.release()
    expect(await withdrawn).toEqual({ before: 'online', after: 'offline' })
    expect(fallback.sockets.size).toBe(0)
  })

  it('asks a primary twice that fails though it is said to be up, and goes to the fallback then', async () => {
    const { primary, fallback, presence, isIn } = boot()
    primary.fails = true
    expect(await presence.announce('u1', 's1', 'online')).toEqual({ before: 'offline', after: 'online' })
    expect(primary.attempts).toBe(2)
    expect([...fallback.sockets.keys()]).toEqual(['s1'])
    primary.fails = false
    await isIn('primary')
    await eventually(
      'the socket in the primary alone',
      () => primary.sockets.has('s1') && fallback.sockets.size === 0,
    )
  })

  it('tells a user of a failure where both fail', async () => {
    const { primary, fallback, presence } = boot()
    primary.fails = true
    fallback.fails = true
    await expect(presence.announce('u1', 's1', 'online')).rejects.toBeInstanceOf(PortUnavailable)
    expect(fallback.attempts).toBeLessThan(4)
  })

  it('lets no call wait that waits when it leaves, or comes after', async () => {
    const { health, primary, fallback, presence } = boot({ leaveAfterMs: 60_000 })
    await presence.announce('u1', 's1', 'online')
    health.turn(false)
    const announced = presence.announce('u2', 's2', 'online').catch((error: unknown) => error)
    const withdrawn = presence.withdraw('u1', 's1')
    await sleep(10)
    await presence.leave()
    expect(await announced).toBeInstanceOf(PortUnavailable)
    expect(await withdrawn).toEqual({ before: 'offline', after: 'offline' })
    await expect(presence.states(['u1'])).rejects.toBeInstanceOf(PortUnavailable)
    expect(await presence.withdraw('u2', 's2')).toEqual({ before: 'offline', after: 'offline' })
    health.turn(true)
    await sleep(LONG_MS)
    expect(primary.attempts + fallback.attempts).toBe(1)
  })

  it('makes no move after it has left, though one was under way', async () => {
    const { health, primary, fallback, presence } = boot()
    await presence.announce('u1', 's1', 'online')
    primary.hold()
    const going = presence.withdraw('u1', 's1')
    health.turn(false)
    await sleep(50)
    const left = presence.leave()
    await left
    primary.release()
    await going
    health.turn(true)
    health.turn(false)
    await sleep(LONG_MS)
    expect(fallback.attempts).toBe(0)
    expect(presence.state().switches).toBe(0)
  })
})
