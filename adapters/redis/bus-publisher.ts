import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { type BusBatch, pack } from './bus-batches.js'

const PORT = 'BusPort'
/** With its topic; more than that is no message between processes, but a mistake. */
const MESSAGE_MAX_BYTES = 1024 * 1024
const QUEUE_MAX = { messages: 20_000, bytes: 16 * 1024 * 1024 }
const BATCH_MAX_BYTES = 512 * 1024

type Waiting = {
  readonly topic: string
  readonly text: string
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Publishes the messages of a tick, and those that gather while a batch is under way, as one. */
export class BusPublisher {
  private queue: Waiting[] = []
  private queuedBytes = 0
  private draining: Promise<void> | null = null
  private closed = false

  constructor(
    private readonly origin: string,
    private readonly publish: (payload: string) => Promise<unknown>,
  ) {}

  send(topic: string, text: string): Promise<void> {
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(text)
    if (this.closed) return refuse('The bus is closed')
    if (bytes > MESSAGE_MAX_BYTES) return Promise.reject(new RangeError(`A message of ${bytes} bytes`))
    if (this.queue.length >= QUEUE_MAX.messages || this.queuedBytes + bytes > QUEUE_MAX.bytes)
      return refuse('Too many messages wait to be sent')
    return new Promise((resolve, reject) => {
      this.queue.push({ topic, text, bytes, resolve, reject })
      this.queuedBytes += bytes
      this.draining ??= this.drain()
    })
  }

  /** Publishes a batch without messages, which comes back to whoever listens in this process. */
  async probe(): Promise<void> {
    await this.publish(pack(this.origin, []))
  }

  /** Sends what waits. */
  async close(): Promise<void> {
    this.closed = true
    await this.draining
  }

  private async drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.queue.length > 0) {
      const batch = this.nextBatch()
      const messages: BusBatch['messages'] = batch.map(({ topic, text }) => [topic, text])
      try {
        await this.publish(pack(this.origin, messages))
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
}

const refuse = (reason: string): Promise<never> =>
  Promise.reject(new PortUnavailable(PORT, new Error(reason)))
