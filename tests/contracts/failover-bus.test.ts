import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FailoverBus, type HearingBus } from '../../adapters/failover/index.js'
import { MemoryBusHub } from '../../adapters/memory/index.js'
import type { BusPort } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { SwitchedHealth } from '../support/switched-health.js'
import { eventually } from './eventually.js'
import { HeldClock } from './held-clock.js'

const REVIEW_MS = 20
/** Enough for several reviews. */
const A_WHILE_MS = 200

const refusal = () => new PortUnavailable('BusPort', new Error('refused'))

/** A sound bus that counts, and refuses or keeps waiting as it is told. */
class Watched implements HearingBus {
  isRefusing = false
  answering: Promise<unknown> = Promise.resolve()
  asked = 0
  subscribed = 0
  readonly published: string[] = []
  private isHearing = true
  private readonly listeners = new Set<() => void>()

  constructor(private readonly sound: BusPort) {}

  async publish(topic: string, message: string): Promise<void> {
    if (this.isRefusing) throw refusal()
    this.published.push(message)
    await this.sound.publish(topic, message)
  }

  hasPeers(): boolean {
    return this.sound.hasPeers()
  }

  async subscribe(topic: string, handler: (message: string) => void) {
    this.asked += 1
    await this.answering
    if (this.isRefusing) throw refusal()
    const end = await this.sound.subscribe(topic, handler)
    this.subscribed += 1
    return () => {
      this.subscribed -= 1
      end()
    }
  }

  onGap(listener: () => void) {
    return this.sound.onGap(listener)
  }

  hears(): boolean {
    return this.isHearing
  }

  onHearing(listener: () => void) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  turn(hears: boolean): void {
    this.isHearing = hears
    for (const listener of this.listeners) listener()
  }
}

const open: FailoverBus[] = []
afterEach(() => {
  for (const bus of open.splice(0)) bus.close()
})

/** A pair of hubs, and processes on both. */
function deployment() {
  const [primaries, fallbacks] = [new MemoryBusHub(new HeldClock()), new MemoryBusHub(new HeldClock())]
  return (prepare: (fallback: Watched) => void = () => undefined) => {
    const [primary, fallback] = [new Watched(primaries.endpoint()), new Watched(fallbacks.endpoint())]
    const health = new SwitchedHealth()
    prepare(fallback)
    const bus = new FailoverBus(primary, fallback, health, { reviewEveryMs: REVIEW_MS })
    open.push(bus)
    return { bus, primary, fallback, health }
  }
}

const collect = async ({ bus }: { bus: BusPort }, topic = 't') => {
  const received: string[] = []
  await bus.subscribe(topic, (message) => received.push(message))
  return received
}

/** That what one publishes goes over the fallback as well. */
const publishesOverBoth = async ({ bus, primary, fallback }: ReturnType<ReturnType<typeof deployment>>) => {
  const before = [primary.published.length, fallback.published.length] as const
  await bus.publish('probe', '"over both?"')
  return primary.published.length > before[0] && fallback.published.length > before[1]
}

describe('FailoverBus', () => {
  it('uses the primary alone while all hear it', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    const atB = await collect(b)
    await sleep(A_WHILE_MS)
    await a.bus.publish('t', '1')
    await eventually('the message to arrive', () => atB.length > 0)
    expect([a.fallback.published, b.fallback.published]).toEqual([[], []])
  })

  it('asks again by time for a subscription that the primary has refused while it was up', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    b.primary.isRefusing = true
    const atB = await collect(b)
    expect(b.primary.subscribed).toBe(0)
    b.primary.isRefusing = false
    await eventually('the subscription to be taken', () => b.primary.subscribed === 1)
    await a.bus.publish('t', '1')
    await eventually('the message to arrive', () => atB.length > 0)
    expect(atB).toEqual(['1'])
  })

  it('asks for a subscription once at a time, however often the primary comes and goes', async () => {
    const b = deployment()()
    b.health.turn(false)
    await collect(b)
    let answer: (value?: unknown) => void = () => undefined
    b.primary.answering = new Promise((resolve) => {
      answer = resolve
    })
    for (let turn = 0; turn < 5; turn += 1) {
      b.health.turn(true)
      b.health.turn(false)
    }
    b.health.turn(true)
    await sleep(A_WHILE_MS)
    answer()
    await eventually('the subscription to be taken', () => b.primary.subscribed > 0)
    await sleep(A_WHILE_MS)
    expect([b.primary.asked, b.primary.subscribed]).toEqual([1, 1])
  })

  it('asks again to hear of those who do not hear the primary, where the fallback refused it', async () => {
    const start = deployment()
    const a = start((fallback) => {
      fallback.isRefusing = true
    })
    await sleep(5)
    a.fallback.isRefusing = false
    await eventually('the subscription to be taken', () => a.fallback.subscribed === 1)
    const b = start()
    b.health.turn(false)
    await eventually('messages to go over both', () => publishesOverBoth(a))
  })

  it('says that it does not hear the primary for as long as a subscription is refused', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    b.primary.isRefusing = true
    const atB = await collect(b)
    await eventually('messages to go over both', () => publishesOverBoth(a))
    await a.bus.publish('t', '1')
    await eventually('the message to arrive', () => atB.length > 0)
    b.primary.isRefusing = false
    await eventually('the subscription to be taken', () => b.primary.subscribed === 1)
    const told = b.fallback.published.length
    await sleep(A_WHILE_MS)
    expect(b.fallback.published.length).toBe(told)
  })

  it('says at once that messages do not arrive though the primary is up, and tells the gap then (fault R12)', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    const atB = await collect(b)
    let gaps = 0
    b.bus.onGap(() => {
      gaps += 1
    })
    b.primary.turn(false)
    await eventually('messages to go over both', () => publishesOverBoth(a))
    await eventually('the gap to be told', () => gaps === 1)
    await sleep(A_WHILE_MS)
    expect(gaps).toBe(1)
    for (const message of ['1', '2', '3']) await a.bus.publish('t', message)
    await eventually('the messages to arrive', () => atB.length === 3)
    await sleep(A_WHILE_MS)
    expect(atB).toEqual(['1', '2', '3'])
  })

  it('tells the gap once it has said so, where the fallback refused that at first', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    await collect(b)
    let gaps = 0
    b.bus.onGap(() => {
      gaps += 1
    })
    b.fallback.isRefusing = true
    b.primary.turn(false)
    await sleep(A_WHILE_MS)
    expect(gaps).toBe(0)
    b.fallback.isRefusing = false
    await eventually('messages to go over both', () => publishesOverBoth(a))
    await eventually('the gap to be told', () => gaps === 1)
    await sleep(A_WHILE_MS)
    expect(gaps).toBe(1)
    b.primary.turn(true)
    b.primary.turn(false)
    await eventually('the next gap to be told', () => gaps === 2)
  })

  it('is in doubt while the primary is away, does not arrive here, or lacks a subscription', async () => {
    const { bus, primary, health } = deployment()()
    await collect({ bus })
    expect(bus.isInDoubt()).toBe(false)
    health.turn(false)
    expect(bus.isInDoubt()).toBe(true)
    health.turn(true)
    expect(bus.isInDoubt()).toBe(false)
    primary.turn(false)
    expect(bus.isInDoubt()).toBe(true)
    primary.turn(true)
    primary.isRefusing = true
    await collect({ bus })
    expect(bus.isInDoubt()).toBe(true)
    primary.isRefusing = false
    await eventually('the subscription to be taken', () => !bus.isInDoubt())
  })

  it('tells the gap when the primary takes a subscription late', async () => {
    const b = deployment()()
    b.primary.isRefusing = true
    await collect(b)
    let gaps = 0
    await eventually('it to have said so', () => b.fallback.published.length > 1)
    b.bus.onGap(() => {
      gaps += 1
    })
    await sleep(A_WHILE_MS)
    expect(gaps).toBe(0)
    b.primary.isRefusing = false
    await eventually('the gap to be told', () => gaps === 1)
  })

  it('hands on in order and once what both buses carry', async () => {
    const start = deployment()
    const [a, b, c] = [start(), start(), start()]
    c.health.turn(false)
    const [atB, atC] = [await collect(b), await collect(c)]
    await eventually('messages to go over both', () => publishesOverBoth(a))
    const messages = Array.from({ length: 5_000 }, (_, index) => String(index))
    await Promise.all(messages.map((message) => a.bus.publish('t', message)))
    await eventually('all to arrive', () => atB.length >= 5_000 && atC.length >= 5_000)
    expect([atB, atC]).toEqual([messages, messages])
  })

  it('publishes over the fallback what the primary could not hand over, and passes mistakes on (fault R19)', async () => {
    const start = deployment()
    const [a, b] = [start(), start()]
    const atB = await collect(b)
    a.primary.isRefusing = true
    await a.bus.publish('t', '1')
    await eventually('the message to arrive', () => atB.length > 0)
    expect(atB).toEqual(['1'])
    a.fallback.isRefusing = true
    await expect(a.bus.publish('t', '2')).rejects.toBeInstanceOf(PortUnavailable)
    a.primary.publish = () => Promise.reject(new RangeError('too large'))
    await expect(a.bus.publish('t', '3')).rejects.toBeInstanceOf(RangeError)
  })

  it('leaves nothing behind of a subscription that ends while it is asked for, nor of itself', async () => {
    const b = deployment()()
    b.health.turn(false)
    const end = await b.bus.subscribe('t', () => undefined)
    let answer: (value?: unknown) => void = () => undefined
    b.primary.answering = new Promise((resolve) => {
      answer = resolve
    })
    b.health.turn(true)
    await eventually('it to be asked for', () => b.primary.asked === 1)
    end()
    answer()
    await sleep(A_WHILE_MS)
    expect([b.primary.subscribed, b.primary.asked, b.fallback.subscribed]).toEqual([0, 1, 1])
    await b.bus.subscribe('t', () => undefined)
    b.bus.close()
    expect([b.primary.subscribed, b.fallback.subscribed]).toEqual([0, 0])
    await expect(b.bus.subscribe('t', () => undefined)).rejects.toBeInstanceOf(PortUnavailable)
  })
})
