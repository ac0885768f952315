import type { ParleyError } from './errors.js'
import { failureOf, type OutboxRecord } from './outbox-records.js'
import type { OutboxItem } from './types.js'

/** A message of the outbox as this client holds it. */
export class Queued {
  isStored = false
  isSending = false
  /** Why the last attempt ended without having been refused for good. */
  lastError: ParleyError | null = null
  private shown: { record: OutboxRecord; lastError: ParleyError | null; view: OutboxItem } | null = null

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

  /** The same object for as long as nothing in it changes. */
  view(): OutboxItem {
    const { clientMessageId, roomId, text, threadId, replyTo, createdAtMs } = this.record
    const state = this.isFailed ? 'failed' : this.isSending ? 'sending' : 'queued'
    const { record, lastError, uncertain } = this
    const { shown } = this
    if (
      shown?.record === record &&
      shown.lastError === lastError &&
      shown.view.state === state &&
      shown.view.uncertain === uncertain
    )
      return shown.view
    const error = failureOf(record) ?? lastError
    const item = {
      clientMessageId,
      roomId,
      text,
      threadId,
      replyTo,
      createdAtMs,
      state,
      error,
      uncertain,
    } as const
    this.shown = { record, lastError, view: item }
    return item
  }
}

export const inOrder = (one: Queued, other: Queued): number =>
  one.record.order - other.record.order ||
  (one.record.clientMessageId < other.record.clientMessageId ? -1 : 1)
