import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { MESSAGE_MAX_BYTES, type Outgoing, pack } from './bus-frames.js'
import { openConnections, type Sql } from './connection.js'
import { translate } from './errors.js'

const PORT = 'BusPort'
const QUEUE_MAX = { messages: 20_000, bytes: 16 * 1024 * 1024 }
const BATCH_MAX_BYTES = 512 * 1024
/** A database that cannot be reached is not asked for each message. */
const PAUSE_AFTER_FAILURE_MS = 100

export type BusSenderOptions = {
  readonly url: string
  readonly applicationName: string
  readonly channel: string
  readonly origin: string
  readonly deadlineMs: number
}

type Waiting = Outgoing & {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Sends notifications over one connection of its own, never within a transaction that writes: NOTIFY takes a lock of the
 * whole server at commit. Messages of a tick, and those that gather while a batch is under way, are sent as one statement.
 */
export class BusSender {
  private sql: Sql | null = null
  private queue: Waiting[] = []
  private queuedBytes = 0
  private nextId = 0
  private draining: Promise<void> | null = null
  private closed = false
  private pausedUntil = 0

  constructor(private readonly options: BusSenderOptions) {}

  send(topic: string, text: string): Promise<void> {
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(text)
    if (this.closed) return refuse('The bus is closed')
    if (bytes > MESSAGE_MAX_BYTES) return Promise.reject(new RangeError(`A message of ${bytes} bytes`))
    if (topic.includes('\0') || text.includes('\0'))
      return Promise.reject(new RangeError('JSON text holds no NUL'))
    if (this.queue.length >= QUEUE_MAX.messages || this.queuedBytes + bytes > QUEUE_MAX.bytes)
      return refuse('Too many messages wait to be sent')
    return new Promise((resolve, reject) => {
      this.queue.push({ id: this.nextId, topic, text, bytes, resolve, reject })
      this.nextId += 1
      this.queuedBytes += bytes
      this.draining ??= this.drain()
    })
  }

  /** Sends a notification without messages, which comes back to whoever listens in this process. */
  probe(): Promise<void> {
    return this.closed ? refuse('The bus is closed') : this.notify(pack(this.options.origin, []))
  }

  /** Sends what waits, then closes the connection. */
  async close(): Promise<void> {
    this.closed = true
    await this.draining
    await this.disconnect()
  }

  private async drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.queue.length > 0) {
      const batch = this.nextBatch()
      try {
        await this.notify(pack(this.options.origin, batch))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.draining = null
  }

  private nextBatch(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    for (const message of this.queue) {
      if (count > 0 && bytes + message.bytes > BATCH_MAX_BYTES) break
      bytes += message.bytes
      count += 1
    }
    this.queuedBytes -= bytes
    return this.queue.splice(0, count)
  }

  private async notify(payloads: readonly string[]): Promise<void> {
    if (performance.now() < this.pausedUntil) return refuse('The database was not reached a moment ago')
    const { url, applicationName, channel, deadlineMs } = this.options
    this.sql ??= openConnections(url, {
      max: 1,
      applicationName: `${applicationName}-notify`,
      connectTimeoutMs: deadlineMs,
      parameters: { statement_timeout: deadlineMs },
    })
    let timer: ReturnType<typeof setTimeout> | undefined
    const deadline = new Promise<never>((_, reject) => {
      const error = new PortUnavailable(PORT, new Error('The database did not answer in time'))
      timer = setTimeout(() => reject(error), deadlineMs)
    })
    // Notifications of one transaction arrive in the order in which they were made.
    const query = this
      .sql`select pg_notify(${channel}, payload) from unnest(${[...payloads]}::text[]) as payload`
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

  private async disconnect(): Promise<void> {
    const { sql } = this
    this.sql = null
    await sql?.end({ timeout: 0 }).catch(() => undefined)
  }
}

const refuse = (reason: string): Promise<never> =>
  Promise.reject(new PortUnavailable(PORT, new Error(reason)))
