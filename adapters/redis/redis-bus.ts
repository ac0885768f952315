import { randomUUID } from 'node:crypto'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { unpack } from './bus-batches.js'
import { BusPublisher } from './bus-publisher.js'
import { RedisFailure } from './errors.js'
import type { RedisClient, RedisConnection } from './redis-connection.js'

const PORT = 'BusPort'

export type RedisBusOptions = {
  /** Told what a handler threw. */
  readonly onError?: (error: unknown) => void
  /** How long the first listening may take. */
  readonly deadlineMs?: number
  /** How often to make sure that messages still arrive. */
  readonly probeMs?: number
}

const DEFAULTS = { deadlineMs: 3_000, probeMs: 5_000 }

/**
 * The bus between processes on pub/sub, all topics on one channel; sharded where Redis is a cluster, so that not every node has to
 * carry it. The listening connection belongs to the bus alone.
 */
export class RedisBus implements BusPort {
  /** Tells this process's own messages, which Redis delivers to it as well, from those of others. */
  private readonly origin = randomUUID()
  private readonly channel: string
  private readonly handlers = new Map<string, Set<(message: string) => void>>()
  private readonly gapListeners = new Set<() => void>()
  private readonly settings: Required<Omit<RedisBusOptions, 'onError'>>
  private readonly onError: (error: unknown) => void
  private readonly publisher: BusPublisher
  private subscriber: RedisClient | null = null
  private listening: Promise<unknown> | null = null
  /** Messages may have been missed since the last own one came back. */
  private hasGap = false
  private lastHeardAt = 0
  private probing: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly redis: RedisConnection,
    options: RedisBusOptions = {},
  ) {
    this.settings = { ...DEFAULTS, ...options }
    this.onError = options.onError ?? (() => undefined)
    this.channel = `${redis.prefix}bus`
    this.publisher = new BusPublisher(this.origin, (payload) =>
      redis.call(PORT, (client) =>
        redis.isCluster ? client.spublish(this.channel, payload) : client.publish(this.channel, payload),
      ),
    )
  }

  publish(topic: string, message: string): Promise<void> {
    return this.publisher.send(topic, message)
  }

  /** Who else listens, Redis does not tell of a cluster. */
  hasPeers(): boolean {
    return true
  }

  async subscribe(topic: string, handler: (message: string) => void): Promise<Unsubscribe> {
    // Each subscription is its own, even of the same function.
    const own = (message: string) => handler(message)
    const handlers = this.handlers.get(topic) ?? new Set()
    this.handlers.set(topic, handlers.add(own))
    const unsubscribe = () => {
      handlers.delete(own)
      if (handlers.size === 0 && this.handlers.get(topic) === handlers) this.handlers.delete(topic)
    }
    try {
      await this.listen()
    } catch (error) {
      unsubscribe()
      throw error
    }
    return unsubscribe
  }

  onGap(listener: () => void): Unsubscribe {
    const own = () => listener()
    this.gapListeners.add(own)
    return () => this.gapListeners.delete(own)
  }

  /** Sends what waits, and closes the listening connection. */
  async close(): Promise<void> {
    clearInterval(this.probing)
    this.handlers.clear()
    this.gapListeners.clear()
    await this.publisher.close()
    this.subscriber?.disconnect()
  }

  /** Resolves once the subscription is confirmed; it goes on to be tried where that takes too long. */
  private async listen(): Promise<void> {
    this.listening ??= this.openSubscriber()
    let timer: ReturnType<typeof setTimeout> | undefined
    const deadline = new Promise<never>((_, reject) => {
      const error = new PortUnavailable(PORT, new RedisFailure('TIMEOUT', 'Redis let nobody listen in time'))
      timer = setTimeout(() => reject(error), this.settings.deadlineMs)
    })
    try {
      await Promise.race([this.listening, deadline])
    } finally {
      clearTimeout(timer)
    }
    this.probing ??= setInterval(() => this.probe(), this.settings.probeMs).unref()
  }

  private openSubscriber(): Promise<unknown> {
    const subscriber = this.redis.openSubscriber()
    this.subscriber = subscriber
    this.lastHeardAt = performance.now()
    for (const loss of ['close', '-subscriber', 'subscriberConnectFailed'])
      subscriber.on(loss, () => {
        this.hasGap = true
      })
    // What came back is known once an own message arrives; the next probe would be late.
    for (const returned of ['ready', 'subscribersReady']) subscriber.on(returned, () => this.sendProbe())
    subscriber.on(this.redis.isCluster ? 'smessage' : 'message', (_channel: string, payload: string) =>
      this.receive(payload),
    )
    const subscribed = this.redis.isCluster
      ? subscriber.ssubscribe(this.channel)
      : subscriber.subscribe(this.channel)
    // It is tried again with the next subscription.
    subscribed.catch(() => {
      if (this.subscriber === subscriber) this.listening = null
    })
    return subscribed
  }

  /** A connection that was cut without a word looks like a quiet one, until one's own messages do not come back. */
  private probe(): void {
    if (this.redis.health.isUp() && performance.now() - this.lastHeardAt > 2 * this.settings.probeMs) {
      this.hasGap = true
      this.subscriber?.disconnect()
      this.listening = this.openSubscriber()
    }
    this.sendProbe()
  }

  private sendProbe(): void {
    this.publisher.probe().catch(() => undefined)
  }

  private receive(payload: string): void {
    this.lastHeardAt = performance.now()
    const batch = unpack(payload)
    if (batch === null) return
    if (batch.origin === this.origin) {
      this.onOwn()
      return
    }
    for (const [topic, text] of batch.messages)
      for (const handler of this.handlers.get(topic) ?? []) this.guarded(() => handler(text))
  }

  private onOwn(): void {
    if (!this.hasGap) return
    this.hasGap = false
    for (const listener of this.gapListeners) this.guarded(listener)
  }

  private guarded(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.onError(error)
    }
  }
}
