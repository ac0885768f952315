import { randomUUID } from 'node:crypto'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'
import { SeenIds } from './seen-ids.js'

/** What a process that does not hear the primary says on the fallback, again and again. */
const DEAF_TOPIC = 'failover:deaf'
const DEAF_EVERY_MS = 1_000
/** A process that has not said so for this long hears the primary again, or is gone. */
const DEAF_FOR_MS = 3_500

/** Who published it, its number among theirs, and the message. */
const WRAPPED = /^([0-9a-f-]{36}) (\d+) (.*)$/s

export type FailoverBusOptions = {
  /** How often a process without the primary tells the others. */
  readonly deafEveryMs?: number
}

/**
 * Two buses, both heard by all. Messages go over the primary while it is up, over the other one when it is not, and over both for as long
 * as a process says that it cannot hear the primary. What arrives over both is handed on once.
 */
export class FailoverBus implements BusPort {
  private readonly origin = randomUUID()
  private published = 0
  private deafPeersUntilMs = 0
  private readonly calling: ReturnType<typeof setInterval>
  private readonly stopWatching: () => void
  /** Subscriptions that the primary has yet to take. */
  private readonly owed = new Set<() => Promise<void>>()

  constructor(
    private readonly primary: BusPort,
    private readonly fallback: BusPort,
    private readonly health: PrimaryHealth,
    { deafEveryMs = DEAF_EVERY_MS }: FailoverBusOptions = {},
  ) {
    this.stopWatching = health.onChange(() => this.onHealth())
    this.calling = setInterval(() => this.tellDeafness(), deafEveryMs).unref()
    fallback
      .subscribe(DEAF_TOPIC, () => {
        this.deafPeersUntilMs = performance.now() + DEAF_FOR_MS
      })
      // The same outage keeps everything else from being heard, and the sweep finds that.
      .catch(() => undefined)
  }

  async publish(topic: string, message: string): Promise<void> {
    this.published += 1
    const wrapped = `${this.origin} ${this.published} ${message}`
    const hasDeafPeers = performance.now() < this.deafPeersUntilMs
    const overFallback = hasDeafPeers || !this.health.isUp() ? this.fallback.publish(topic, wrapped) : null
    // Awaited below, or not at all.
    overFallback?.catch(() => undefined)
    if (this.health.isUp()) {
      try {
        await this.primary.publish(topic, wrapped)
        // Those who hear the primary have it; of the others the sweep takes care.
        return
      } catch (error) {
        if (!(error instanceof PortUnavailable)) throw error
      }
    }
    await (overFallback ?? this.fallback.publish(topic, wrapped))
  }

  hasPeers(): boolean {
    return this.primary.hasPeers() || this.fallback.hasPeers()
  }

  async subscribe(topic: string, handler: (message: string) => void): Promise<Unsubscribe> {
    // Of its own: each subscription is to get each message.
    const seen = new SeenIds()
    const once = (wrapped: string) => {
      const message = this.unwrap(wrapped, seen)
      if (message !== null) handler(message)
    }
    let ended = false
    let endPrimary: Unsubscribe | null = null
    const endFallback = await this.fallback.subscribe(topic, once)
    const owed = async () => {
      const end = await this.primary.subscribe(topic, once)
      if (ended) end()
      else endPrimary = end
    }
    // A primary that is away is heard when it comes.
    if (this.health.isUp()) await owed().catch(() => this.owed.add(owed))
    else this.owed.add(owed)
    return () => {
      ended = true
      this.owed.delete(owed)
      endPrimary?.()
      endFallback()
    }
  }

  onGap(listener: () => void): Unsubscribe {
    const ends = [
      this.primary.onGap(listener),
      this.fallback.onGap(listener),
      // What was published on the primary while it was away here.
      this.health.onChange(() => {
        if (this.health.isUp()) listener()
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  state(): FailoverState {
    return stateOf('BusPort', this.health)
  }

  close(): void {
    clearInterval(this.calling)
    this.stopWatching()
    this.owed.clear()
  }

  /** Null for what has been handed on, or was not sent by a bus like this. */
  private unwrap(wrapped: string, seen: SeenIds): string | null {
    const [, origin, number, message] = WRAPPED.exec(wrapped) ?? []
    if (origin === undefined || message === undefined) return null
    return seen.add(origin, Number(number)) ? message : null
  }

  private onHealth(): void {
    this.tellDeafness()
    if (!this.health.isUp()) return
    for (const owed of [...this.owed])
      owed().then(
        () => this.owed.delete(owed),
        () => undefined,
      )
  }

  private tellDeafness(): void {
    if (!this.health.isUp()) this.fallback.publish(DEAF_TOPIC, '').catch(() => undefined)
  }
}
