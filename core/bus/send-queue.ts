import { PortUnavailable } from '../ports/port-unavailable.js'

/** Of a whole message with its topic; more than that is no message between processes, but a mistake. */
export const MESSAGE_MAX_BYTES = 1024 * 1024
const QUEUE_MAX = { messages: 20_000, bytes: 16 * 1024 * 1024 }
const BATCH_MAX_BYTES = 512 * 1024

export type Outgoing = { readonly topic: string; readonly text: string }

export type SendQueueOptions = {
  /** Sends messages together, in order. What it rejects with, each of them is refused with. */
  readonly send: (batch: readonly Outgoing[]) => Promise<unknown>
  /** Resolves once all that is published in this turn of the event loop has been. */
  readonly turnEnds: () => Promise<unknown>
  /** Length of a text in UTF-8. */
  readonly bytesOf: (text: string) => number
}

type Waiting = Outgoing & {
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** What a process publishes: the messages of a turn, and those that gather while a batch is under way, are sent as one. */
export class SendQueue {
  private readonly queue: Waiting[] = []
  private queuedBytes = 0
  private draining: Promise<void> | null = null
  private closed = false

  constructor(private readonly options: SendQueueOptions) {}

  /** Resolves once it is sent. Throws PortUnavailable at once where too much waits already, RangeError for what is too large. */
  async send(topic: string, text: string): Promise<void> {
    const bytes = this.options.bytesOf(topic) + this.options.bytesOf(text)
    if (this.closed) throw refusal('The bus is closed')
    if (bytes > MESSAGE_MAX_BYTES) throw new RangeError(`A message of ${bytes} bytes`)
    if (this.queue.length >= QUEUE_MAX.messages || this.queuedBytes + bytes > QUEUE_MAX.bytes)
      throw refusal('Too many messages wait to be sent')
    await new Promise<void>((resolve, reject) => {
      this.queue.push({ topic, text, bytes, resolve, reject })
      this.queuedBytes += bytes
      this.draining ??= this.drain()
    })
  }

  /** Sends what waits, and takes no more. */
  async close(): Promise<void> {
    this.closed = true
    await this.draining
  }

  private async drain(): Promise<void> {
    await this.options.turnEnds()
    while (this.queue.length > 0) {
      const batch = this.nextBatch()
      try {
        await this.options.send(batch)
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

const refusal = (reason: string) => new PortUnavailable('BusPort', new Error(reason))
