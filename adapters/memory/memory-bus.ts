import { Subscriptions } from '../../core/bus/subscriptions.js'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'

export type BusDelivery = {
  readonly from: MemoryBus
  readonly to: MemoryBus
  readonly topic: string
  readonly message: string
}

export type MemoryBusHubOptions = {
  /** Told what a handler threw. */
  readonly onError?: (error: unknown) => void
}

/**
 * What connects the bus endpoints of several simulated processes. Each message is handed over later, never during
 * `publish`, and in order. Tests may set `route` to lose, delay, double and so reorder messages.
 */
export class MemoryBusHub {
  /** How often and after how many ms each message arrives: `[]` loses it, `[0]` (as here) delivers, `[0, 0]` doubles. */
  route: (delivery: BusDelivery) => readonly number[] = () => [0]
  private readonly endpoints = new Set<MemoryBus>()
  private readonly cutOff = new Set<MemoryBus>()
  private readonly onError: (error: unknown) => void

  constructor(
    private readonly clock: ClockPort,
    options: MemoryBusHubOptions = {},
  ) {
    this.onError = options.onError ?? (() => undefined)
  }

  /** A process's end of the bus. */
  endpoint(): MemoryBus {
    const bus: MemoryBus = new MemoryBus({
      send: (topic, message) => this.send(bus, topic, message),
      leave: () => this.endpoints.delete(bus),
      hasPeers: () => this.endpoints.size > 1,
      onError: this.onError,
    })
    this.endpoints.add(bus)
    return bus
  }

  /** From now on nothing reaches the endpoint and nothing leaves it, and no side is told. */
  cut(bus: MemoryBus): void {
    this.cutOff.add(bus)
  }

  /** Ends a cut. `noticed`: the endpoint learns that it may have missed something. */
  mend(bus: MemoryBus, noticed: boolean): void {
    this.cutOff.delete(bus)
    if (noticed) bus.gap()
  }

  private send(from: MemoryBus, topic: string, message: string): void {
    if (this.cutOff.has(from)) return
    for (const to of this.endpoints) {
      if (to === from || this.cutOff.has(to)) continue
      for (const delayMs of this.route({ from, to, topic, message })) this.arrive(to, topic, message, delayMs)
    }
  }

  private arrive(to: MemoryBus, topic: string, message: string, delayMs: number): void {
    const deliver = () => {
      if (this.endpoints.has(to)) to.receive(topic, message)
    }
    if (delayMs === 0) queueMicrotask(deliver)
    else this.clock.after(delayMs, deliver)
  }
}

type Line = {
  readonly send: (topic: string, message: string) => void
  readonly leave: () => void
  readonly hasPeers: () => boolean
  readonly onError: (error: unknown) => void
}

/** One process's end of a bus within this process. */
export class MemoryBus implements BusPort {
  private readonly subscriptions: Subscriptions
  private closed = false

  constructor(private readonly line: Line) {
    this.subscriptions = new Subscriptions(line.onError)
  }

  async publish(topic: string, message: string): Promise<void> {
    if (this.closed) throw new PortUnavailable('BusPort', new Error('the bus is closed'))
    this.line.send(topic, message)
  }

  hasPeers(): boolean {
    return this.line.hasPeers()
  }

  async subscribe(topic: string, handler: (message: string) => void): Promise<Unsubscribe> {
    return this.subscriptions.add(topic, handler)
  }

  onGap(listener: () => void): Unsubscribe {
    return this.subscriptions.onGap(listener)
  }

  async close(): Promise<void> {
    this.closed = true
    this.line.leave()
  }

  /** Called by the hub. */
  receive(topic: string, message: string): void {
    this.subscriptions.hand(topic, message)
  }

  /** Called by the hub. */
  gap(): void {
    this.subscriptions.tellGap()
  }
}
