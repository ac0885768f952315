import { randomUUID } from 'node:crypto'
import { Subscriptions } from '../../core/bus/subscriptions.js'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { HearingBus } from './hearing-bus.js'
import { LastingSubscription } from './lasting-subscription.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'
import { SeenIds } from './seen-ids.js'

const PORT = 'BusPort'
/** What a process that does not hear the primary says on the fallback, again and again. */
const DEAF_TOPIC = 'failover:deaf'
const REVIEW_EVERY_MS = 1_000
/** A process that has not said so for this long hears the primary again, or is gone. */
const DEAF_FOR_MS = 3_500

/** Who published it, its number among theirs, and the message. */
const WRAPPED = /^([0-9a-f-]{36}) (\d+) (.*)$/s

export type FailoverBusOptions = {
  /** How often a process that does not hear the primary tells the others, and asks again for the subscriptions that it lacks. */
  readonly reviewEveryMs?: number
}

/**
 * Two buses, both heard by all. Messages go over the primary while it is up, over the other one when it is not, and over both for as long
 * as a process says that it cannot hear the primary. What arrives over both is handed on once.
 */
export class FailoverBus implements BusPort {
  private readonly origin = randomUUID()
  private published = 0
  private deafPeersUntilMs = 0
  /** While this process does not hear the primary: whether the others have been told. */
  private deafPeriod: { isTold: boolean } | null = null
  private closed = false
  /** On the primary, of each subscription. */
  private readonly onPrimary = new Set<LastingSubscription>()
  private readonly ends = new Set<Unsubscribe>()
  private readonly deafness: LastingSubscription
  private readonly gaps = new Subscriptions()
  private readonly reviewing: ReturnType<typeof setInterval>
  private readonly watches: readonly Unsubscribe[]

  constructor(
    private readonly primary: HearingBus,
    private readonly fallback: BusPort,
    private readonly health: PrimaryHealth,
    { reviewEveryMs = REVIEW_EVERY_MS }: FailoverBusOptions = {},
  ) {
    const gap = () => this.gaps.tellGap()
    this.watches = [
      health.onChange(() => this.onHealth()),
      primary.onHearing(() => this.review()),
      primary.onGap(gap),
      fallback.onGap(gap),
    ]
    this.deafness = new LastingSubscription(() =>
      fallback.subscribe(DEAF_TOPIC, () => {
        this.deafPeersUntilMs = performance.now() + DEAF_FOR_MS
      }),
    )
    void this.deafness.ask()
    this.reviewing = setInterval(() => this.review(), reviewEveryMs).unref()
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
    if (this.closed) throw unavailable('The bus is closed')
    // Of its own: each subscription is to get each message.
    const seen = new SeenIds()
    const once = (wrapped: string) => {
      const message = this.unwrap(wrapped, seen)
      if (message !== null) handler(message)
    }
    const endFallback = await this.fallback.subscribe(topic, once)
    const onPrimary = new LastingSubscription(async () => {
      // One that is away is heard when it comes; nobody waits for it.
      if (!this.health.isUp()) throw unavailable('The primary is away')
      return this.primary.subscribe(topic, once)
    })
    const end = () => {
      this.onPrimary.delete(onPrimary)
      this.ends.delete(end)
      onPrimary.stop()
      endFallback()
    }
    this.onPrimary.add(onPrimary)
    this.ends.add(end)
    await onPrimary.ask()
    return end
  }

  onGap(listener: () => void): Unsubscribe {
    return this.gaps.onGap(listener)
  }

  /** While it does not hear the primary, others may not have been told of that yet. */
  isInDoubt(): boolean {
    return this.isDeaf()
  }

  state(): FailoverState {
    return stateOf(PORT, this.health)
  }

  /** Ends what it has asked of both buses, which are closed by whoever opened them. */
  close(): void {
    this.closed = true
    clearInterval(this.reviewing)
    for (const end of this.watches) end()
    for (const end of this.ends) end()
    this.deafness.stop()
    this.gaps.clear()
  }

  /** Null for what has been handed on, or was not sent by a bus like this. */
  private unwrap(wrapped: string, seen: SeenIds): string | null {
    const [, origin, number, message] = WRAPPED.exec(wrapped) ?? []
    if (origin === undefined || message === undefined) return null
    return seen.add(origin, Number(number)) ? message : null
  }

  private onHealth(): void {
    this.review()
    // What was published on the primary while it was away here.
    if (this.health.isUp()) this.gaps.tellGap()
  }

  private review(): void {
    void this.deafness.ask()
    this.tellDeafness()
    if (!this.health.isUp()) return
    for (const subscription of this.onPrimary)
      void subscription.ask().then((isNew) => isNew && this.gaps.tellGap())
  }

  private tellDeafness(): void {
    const period = this.isDeaf() ? (this.deafPeriod ?? { isTold: false }) : null
    this.deafPeriod = period
    if (period === null) return
    this.fallback.publish(DEAF_TOPIC, '').then(
      () => {
        if (period.isTold) return
        period.isTold = true
        // From now on the others publish so that it is heard here.
        this.gaps.tellGap()
      },
      () => undefined,
    )
  }

  private isDeaf(): boolean {
    return (
      !this.health.isUp() ||
      !this.primary.hears() ||
      [...this.onPrimary].some((subscription) => subscription.isOwed)
    )
  }
}

const unavailable = (reason: string) => new PortUnavailable(PORT, new Error(reason))
