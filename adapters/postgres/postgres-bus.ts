import { randomUUID } from 'node:crypto'
import { Subscriptions } from '../../core/bus/subscriptions.js'
import type { BusPort, Unsubscribe } from '../../core/ports/bus-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { unpack } from './bus-frames.js'
import { BusListener } from './bus-listener.js'
import { BusReassembly } from './bus-reassembly.js'
import { BusSender } from './bus-sender.js'
import type { Database } from './database.js'

const PORT = 'BusPort'

export type PostgresBusOptions = {
  readonly channel?: string
  /** Told what a handler threw. */
  readonly onError?: (error: unknown) => void
  /** How long publishing or the first listening may take. */
  readonly deadlineMs?: number
  /** How often to make sure that notifications still arrive. */
  readonly probeMs?: number
}

const DEFAULTS = { channel: 'parley_bus', deadlineMs: 3_000, probeMs: 5_000 }

/**
 * The bus between processes on NOTIFY and LISTEN, all topics on one channel. Both connections go past any pooler and
 * belong to the bus alone.
 */
export class PostgresBus implements BusPort {
  /** Tells this process's own notifications, which Postgres delivers to it as well, from those of others. */
  private readonly origin = randomUUID()
  private readonly subscriptions: Subscriptions
  private readonly reassembly = new BusReassembly()
  private readonly settings: Required<Omit<PostgresBusOptions, 'onError'>>
  private readonly sender: BusSender
  private readonly listener: BusListener
  private hasStarted = false
  private hasListened = false
  private readonly awaitingListening = new Set<() => void>()
  private lastHeardAt = 0
  private probing: ReturnType<typeof setInterval> | undefined

  constructor(database: Pick<Database, 'directUrl' | 'applicationName'>, options: PostgresBusOptions = {}) {
    this.settings = { ...DEFAULTS, ...options }
    this.subscriptions = new Subscriptions(options.onError)
    const { directUrl: url, applicationName } = database
    const { channel, deadlineMs } = this.settings
    this.sender = new BusSender({ url, applicationName, channel, origin: this.origin, deadlineMs })
    this.listener = new BusListener({
      url,
      applicationName,
      channel,
      onPayload: (payload) => this.receive(payload),
      onListening: () => this.onListening(),
    })
  }

  publish(topic: string, message: string): Promise<void> {
    return this.sender.send(topic, message)
  }

  /** Who else listens, Postgres does not tell. */
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

  /** Sends what waits, and closes both connections. */
  async close(): Promise<void> {
    clearInterval(this.probing)
    this.subscriptions.clear()
    await Promise.all([this.sender.close(), this.listener.stop()])
  }

  private async listening(): Promise<void> {
    if (this.hasListened) return
    this.start()
    await new Promise<void>((resolve, reject) => {
      const arrive = () => {
        clearTimeout(timer)
        this.awaitingListening.delete(arrive)
        resolve()
      }
      const timer = setTimeout(() => {
        this.awaitingListening.delete(arrive)
        reject(new PortUnavailable(PORT, new Error('The database did not let this process listen in time')))
      }, this.settings.deadlineMs)
      this.awaitingListening.add(arrive)
    })
  }

  private start(): void {
    if (this.hasStarted) return
    this.hasStarted = true
    this.lastHeardAt = performance.now()
    this.listener.start()
    this.probing = setInterval(() => this.probe(), this.settings.probeMs).unref()
  }

  private onListening(): void {
    this.lastHeardAt = performance.now()
    for (const arrive of this.awaitingListening) arrive()
    const isFirst = !this.hasListened
    this.hasListened = true
    if (isFirst) return
    this.reassembly.clear()
    this.subscriptions.tellGap()
  }

  /** A connection that was cut without a word looks like a quiet one, until one's own notification does not come back. */
  private probe(): void {
    if (performance.now() - this.lastHeardAt > 2 * this.settings.probeMs) {
      this.lastHeardAt = performance.now()
      this.listener.start()
    }
    this.sender.probe().catch(() => undefined)
  }

  private receive(payload: string): void {
    this.lastHeardAt = performance.now()
    const packet = unpack(payload)
    if (packet === null || packet.origin === this.origin) return
    for (const frame of packet.frames) {
      const message = this.reassembly.accept(packet.origin, frame)
      if (message !== null) this.subscriptions.hand(message.topic, message.text)
    }
  }
}
