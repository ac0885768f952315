import { type ParleyError, type ParleyErrorCode, toParleyError } from './errors.js'
import type { Link } from './link.js'
import type { Environment } from './options.js'
import type { Queued } from './queued.js'
import type { SendOutcome } from './types.js'
import { backoffMs, Pause } from './waiting.js'
import type { Delivery } from './wire.js'

/** What the sender needs of the outbox. */
interface Queue {
  head(roomId: string): Promise<Queued | null>
  markTried(item: Queued): Promise<boolean>
  delivered(item: Queued, outcome: SendOutcome): Promise<void>
  failed(item: Queued, error: ParleyError): Promise<void>
  show(): void
}

const ANSWER_WITHIN_MS = 10_000
/** How long another tab has for sending a message of its own. */
const PATIENCE_MS = 3_000
/** No later attempt would fare better. */
const FINAL: ReadonlySet<ParleyErrorCode> = new Set([
  'VALIDATION_FAILED',
  'NOT_FOUND',
  'FORBIDDEN',
  'CONFLICT',
  'TOO_LARGE',
])

/**
 * Sends the messages of each room one after the other. Only the first message that the storage holds of a room is ever sent, and it
 * leaves the storage after its ack: so however many tabs do this at once, the next one goes only after the one before is
 * committed. That both may send the same one is harmless: the server stores an id once.
 */
export class OutboxSender {
  private readonly pauses = new Map<string, Pause>()
  private readonly changed = new Set<string>()

  constructor(
    private readonly link: Link,
    private readonly environment: Environment,
    private readonly queue: Queue,
  ) {}

  wake(roomIds: readonly string[]): void {
    for (const roomId of roomIds) {
      this.changed.add(roomId)
      if (!this.pauses.has(roomId)) void this.drain(roomId)
    }
  }

  stop(): void {
    for (const pause of this.pauses.values()) pause.end()
    this.pauses.clear()
  }

  private async drain(roomId: string): Promise<void> {
    const pause = new Pause(this.environment)
    this.pauses.set(roomId, pause)
    const isOn = (): boolean => this.pauses.get(roomId) === pause && this.link.online
    let failures = 0
    while (isOn()) {
      this.changed.delete(roomId)
      const item = await this.queue.head(roomId)
      if (item === null) {
        // One that came while the storage was being read is not forgotten.
        if (this.changed.has(roomId)) continue
        break
      }
      if (!isOn()) break
      const patienceMs = this.patienceMs(item)
      if (patienceMs > 0) {
        await pause.for(patienceMs)
        continue
      }
      const error = await this.attempt(item)
      failures = error === null ? 0 : failures + 1
      if (error !== null && isOn()) await pause.for(backoffMs(failures, this.environment, error.retryAfterMs))
    }
    if (this.pauses.get(roomId) === pause) this.pauses.delete(roomId)
  }

  private patienceMs({ foreignSinceMs }: Queued): number {
    if (foreignSinceMs === null) return 0
    return Math.max(0, foreignSinceMs + PATIENCE_MS - this.environment.monotonicMs())
  }

  /** Null when it is done with, sent or refused; else why it is to be tried again. */
  private async attempt(item: Queued): Promise<ParleyError | null> {
    item.isSending = true
    try {
      if (!item.record.tried && !(await this.queue.markTried(item))) return null
      this.queue.show()
      const { roomId, clientMessageId, text, threadId, replyTo } = item.record
      const payload = {
        roomId,
        clientMessageId,
        text,
        ...(threadId === null ? {} : { threadId }),
        ...(replyTo === null ? {} : { replyTo }),
      }
      const answer = (await this.link.emit('message:send', payload, ANSWER_WITHIN_MS)) as Delivery
      await this.queue.delivered(item, answer)
      return null
    } catch (thrown) {
      const error = toParleyError(thrown)
      if (FINAL.has(error.code)) {
        item.isSending = false
        await this.queue.failed(item, error)
        return null
      }
      if (error.code === 'UNAUTHENTICATED') this.link.doubtToken()
      item.lastError = error
      item.uncertain ||= error.uncertain
      return error
    } finally {
      item.isSending = false
      this.queue.show()
    }
  }
}
