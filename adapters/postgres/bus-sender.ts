import { setImmediate as turnEnds } from 'node:timers/promises'
import { type Outgoing, SendQueue } from '../../core/bus/send-queue.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { pack } from './bus-frames.js'
import { openConnections, type Sql } from './connection.js'
import { translate } from './errors.js'

const PORT = 'BusPort'
/** A database that cannot be reached is not asked for each message. */
const PAUSE_AFTER_FAILURE_MS = 100

export type BusSenderOptions = {
  readonly url: string
  readonly applicationName: string
  readonly channel: string
  readonly origin: string
  readonly deadlineMs: number
}

/**
 * Sends notifications over one connection of its own, never within a transaction that writes: NOTIFY takes a lock of the
 * whole server at commit. A batch is one statement.
 */
export class BusSender {
  private sql: Sql | null = null
  private nextId = 0
  private closed = false
  private pausedUntil = 0
  private readonly queue = new SendQueue({
    send: (batch) => this.notify(batch),
    turnEnds: () => turnEnds(),
    bytesOf: Buffer.byteLength,
  })

  constructor(private readonly options: BusSenderOptions) {}

  async send(topic: string, text: string): Promise<void> {
    if (topic.includes('\0') || text.includes('\0')) throw new RangeError('JSON text holds no NUL')
    await this.queue.send(topic, text)
  }

  /** Sends a notification without messages, which comes back to whoever listens in this process. */
  async probe(): Promise<void> {
    if (this.closed) throw unavailable('The bus is closed')
    await this.notify([])
  }

  /** Sends what waits, then closes the connection. */
  async close(): Promise<void> {
    this.closed = true
    await this.queue.close()
    await this.disconnect()
  }

  private async notify(messages: readonly Outgoing[]): Promise<void> {
    if (performance.now() < this.pausedUntil) throw unavailable('The database was not reached a moment ago')
    const { url, applicationName, channel, deadlineMs } = this.options
    this.sql ??= openConnections(url, {
      max: 1,
      applicationName: `${applicationName}-notify`,
      connectTimeoutMs: deadlineMs,
      parameters: { statement_timeout: deadlineMs },
    })
    let timer: ReturnType<typeof setTimeout> | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(unavailable('The database did not answer in time')), deadlineMs)
    })
    // Notifications of one transaction arrive in the order in which they were made.
    const query = this
      .sql`select pg_notify(${channel}, payload) from unnest(${this.payloads(messages)}::text[]) as payload`
    try {
      await Promise.race([query, deadline])
    } catch (error) {
      // A statement that was given up must not be carried out behind later ones.
      void this.disconnect()
      this.pausedUntil = performance.now() + PAUSE_AFTER_FAILURE_MS
      throw translate(PORT, error)
    } finally {
      clearTimeout(timer)
    }
  }

  private payloads(messages: readonly Outgoing[]): string[] {
    const numbered = messages.map(({ topic, text }, index) => ({ id: this.nextId + index, topic, text }))
    this.nextId += messages.length
    return [...pack(this.options.origin, numbered)]
  }

  private async disconnect(): Promise<void> {
    const { sql } = this
    this.sql = null
    await sql?.end({ timeout: 0 }).catch(() => undefined)
  }
}

const unavailable = (reason: string) => new PortUnavailable(PORT, new Error(reason))
