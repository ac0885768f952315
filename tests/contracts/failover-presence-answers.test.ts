import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FailoverPresence } from '../../adapters/failover/index.js'
import { PresenceStore } from '../support/presence-store.js'
import { SwitchedHealth } from '../support/switched-health.js'
import { eventually } from './eventually.js'

/** Longer than any look takes here. */
const A_WHILE_MS = 100

describe('What FailoverPresence answers', () => {
  const open: FailoverPresence[] = []
  const boot = () => {
    const [health, primary, fallback] = [new SwitchedHealth(), new PresenceStore(), new PresenceStore()]
    const settings = { leaveAfterMs: 10, returnAfterMs: 60_000, lookEveryMs: 10 }
    const presence = new FailoverPresence({ primary, fallback }, health, settings)
    open.push(presence)
    const isIn = (side: 'primary' | 'fallback') =>
      eventually(`the ${side}`, () => presence.state().state === side)
    return { health, primary, fallback, presence, isIn }
  }

  afterEach(async () => {
    for (const presence of open.splice(0)) await presence.leave()
  })

  it('is partial where the store says so in which the sockets are', async () => {
    const { health, primary, fallback, presence, isIn } = boot()
    const isPartial = async () => (await presence.states(['u1'])).partial
    expect(await isPartial()).toBe(false)
    primary.isPartial = true
    expect(await isPartial()).toBe(true)
    health.turn(false)
    await isIn('fallback')
    expect(await isPartial()).toBe(false)
    fallback.isPartial = true
    expect(await isPartial()).toBe(true)
  })

  it('names nobody as gone while others may be missing, and names them once after', async () => {
    const { primary, fallback, presence } = boot()
    primary.left.push('u1')
    fallback.left.push('u2')
    primary.isPartial = true
    for (let reaps = 0; reaps < 2; reaps += 1) expect(await presence.reap()).toEqual([])
    await presence.announce('u2', 's2', 'online')
    primary.isPartial = false
    expect(await presence.reap()).toEqual(['u1'])
    await presence.withdraw('u2', 's2')
    expect(await presence.reap()).toEqual([])
  })

  it('tells since when its own sockets are where they are, whatever the primary has been through', async () => {
    const { health, fallback, presence, isIn } = boot()
    health.sinceMs = 1
    health.switches = 5
    const bootedAtMs = presence.state().sinceMs
    expect(Date.now() - bootedAtMs).toBeLessThan(10_000)
    await sleep(A_WHILE_MS)
    expect(presence.state()).toMatchObject({ state: 'primary', sinceMs: bootedAtMs, switches: 0 })
    const beforeMs = Date.now()
    fallback.places = ['here']
    await isIn('fallback')
    const { sinceMs, switches } = presence.state()
    expect(sinceMs).toBeGreaterThanOrEqual(beforeMs)
    expect(sinceMs).toBeLessThanOrEqual(Date.now())
    expect(switches).toBe(1)
  })
})
