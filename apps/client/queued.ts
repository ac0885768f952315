import type { ParleyError } from './errors.js'
import { failureOf, type OutboxRecord } from './outbox-records.js'
import type { OutboxItem } from './types.js'

/** A message of the outbox as this client holds it. */
export class Queued {
  isStored = false
  isSending = false
  /** Why the last attempt ended without having been refused for good. */
  lastError: ParleyError | null = null

  constructor(
    public record: OutboxRecord,
    /** When another tab's message was first seen here, which that tab will send; null for what this client is to send. */
    readonly foreignSinceMs: number | null,
    /** An attempt may have had its effect without an answer. */
    public uncertain: boolean,
  ) {}

  get isFailed(): boolean {
    return this.record.failure !== null
  }

  get view(): OutboxItem {
    const { clientMessageId, roomId, text, threadId, replyTo, createdAtMs } = this.record
    const state = this.isFailed ? 'failed' : this.isSending ? 'sending' : 'queued'
    const error = failureOf(this.record) ?? this.lastError
    return {
      clientMessageId,
      roomId,
      text,
      threadId,
      replyTo,
      createdAtMs,
      state,
      error,
      uncertain: this.uncertain,
    }
  }
}

export const inOrder = (one: Queued, other: Queued): number =>
  one.record.order - other.record.order ||
  (one.record.clientMessageId < other.record.clientMessageId ? -1 : 1)
