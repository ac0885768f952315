import { randomUUID } from 'node:crypto'
import { setImmediate as turnEnds } from 'node:timers/promises'
import { type Outgoing, SendQueue } from '../../core/bus/send-queue.js'
import { Subscriptions } from '../../core/bus/subscriptions.js'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { claimsToBeOf, pack, unpack } from './bus-batches.js'
import { BusListener } from './bus-listener.js'
import { RedisFailure } from './errors.js'
import type { RedisConnection } from './redis-connection.js'

const PORT = 'BusPort'

export type RedisBusOptions = {
  /** Told what a handler threw. */
  readonly onError?: (error: unknown) => void
  /** How long a subscription may take. */
  readonly deadlineMs?: number
  /** How often to make sure that messages still arrive; that they do not is found within three times this. */
  readonly probeMs?: number
}

const DEFAULTS = { deadlineMs: 3_000, probeMs: 400 }

/**
 * The bus between processes on pub/sub, all topics on one channel; sharded where Redis is a cluster, so that not every node has to
 * carry it. The listening connection belongs to the bus alone. What nobody with the secret of the connection has published is ignored.
 */
export class RedisBus implements BusPort {
  /** Tells this process's own messages, which Redis delivers to it as well, from those of others. */
  private readonly origin = randomUUID()
  private readonly channel: string
  private readonly subscriptions: Subscriptions
  private readonly deadlineMs: number
  private readonly queue: SendQueue
  private readonly listener: BusListener
  private readonly hearingListeners = new Set<() => void>()
  /** Ends the wait of each who waits for messages to arrive. */
  private readonly waiting = new Set<() => void>()
  private hasHeard = false
  private closed = false

  constructor(
    private readonly redis: RedisConnection,
    options: RedisBusOptions = {},
  ) {
    const { deadlineMs, probeMs } = { ...DEFAULTS, ...options }
    this.deadlineMs = deadlineMs
    this.channel = `${redis.prefix}{bus}`
    this.subscriptions = new Subscriptions(options.onError)
    this.queue = new SendQueue({
      send: (batch) => this.send(batch),
      turnEnds: () => turnEnds(),
      bytesOf: Buffer.byteLength,
    })
    this.listener = new BusListener(redis, {
      channel: this.channel,
      origin: this.origin,
      probeMs,
      onPayload: (payload) => this.receive(payload),
      onHearing: (hears) => this.onHearingChange(hears),
    })
  }

  publish(topic: string, message: string): Promise<void> {
    return this.queue.send(topic, message)
  }

  /** Who else listens, Redis does not tell of a cluster. */
  hasPeers(): boolean {
    return true
  }

  async subscribe(topic: string, handler: (message: string) => void): Promise<Unsubscribe> {
    const unsubscribe = this.subscriptions.add(topic, handler)
    try {
      await this.listening()
    } catch (error) {
      unsubscribe()
      throw error
    }
    return unsubscribe
  }

  onGap(listener: () => void): Unsubscribe {
    return this.subscriptions.onGap(listener)
  }

  /** False while somebody here has subscribed and what others publish does not arrive. */
  hears(): boolean {
    return this.listener.hears || !this.listener.hasStarted
  }

  /** Told after each change of `hears`. */
  onHearing(listener: () => void): Unsubscribe {
    const own = () => listener()
    this.hearingListeners.add(own)
    return () => this.hearingListeners.delete(own)
  }

  /** Refuses whoever waits for a subscription, sends what waits, and closes the listening connection. */
  async close(): Promise<void> {
    this.closed = true
    this.subscriptions.clear()
    this.hearingListeners.clear()
    for (const end of this.waiting) end()
    this.listener.stop()
    await this.queue.close()
  }

  /** Resolves once messages arrive; they go on to be waited for where that takes too long. */
  private async listening(): Promise<void> {
    if (!this.closed) this.listener.start()
    if (!this.closed && !this.listener.hears) await this.untilHeard()
    if (this.closed) throw unavailable('CLOSED', 'The bus is closed')
    if (!this.listener.hears) throw unavailable('TIMEOUT', 'Redis let nobody listen in time')
  }

  private untilHeard(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.waiting.delete(end)
        resolve()
      }
      this.waiting.add(end)
      const timer = setTimeout(end, this.deadlineMs)
    })
  }

  private onHearingChange(hears: boolean): void {
    for (const listener of this.hearingListeners) listener()
    if (!hears) return
    for (const end of this.waiting) end()
    if (this.hasHeard) this.subscriptions.tellGap()
    this.hasHeard = true
  }

  private send(batch: readonly Outgoing[]): Promise<unknown> {
    const messages = batch.map(({ topic, text }) => [topic, text] as const)
    const payload = pack({ origin: this.origin, messages }, (text) =>
      this.redis.signer.sign(this.channel, text),
    )
    return this.redis.call(PORT, (client) =>
      this.redis.isCluster ? client.spublish(this.channel, payload) : client.publish(this.channel, payload),
    )
  }

  private receive(payload: string): void {
    if (claimsToBeOf(this.origin, payload)) return
    const batch = unpack(payload, (signature, text) =>
      this.redis.signer.isGenuine(signature, this.channel, text),
    )
    for (const [topic, text] of batch?.messages ?? []) this.subscriptions.hand(topic, text)
  }
}

const unavailable = (code: string, message: string) =>
  new PortUnavailable(PORT, new RedisFailure(code, message))
