import { ParleyError, type ParleyErrorCode } from './errors.js'
import type { ClientStorage } from './storage.js'

/** An unsent message as the storage keeps it. */
export type OutboxRecord = {
  readonly clientMessageId: string
  readonly roomId: string
  readonly text: string
  readonly threadId: string | null
  readonly replyTo: string | null
  readonly createdAtMs: number
  /** Its place: they are sent in ascending order. */
  readonly order: number
  /** May have reached the server. */
  readonly tried: boolean
  readonly failure: { readonly code: ParleyErrorCode; readonly message: string } | null
}

const ORDER_DIGITS = 16

/** The unsent messages of one user, one key each, in the order in which they go. */
export class OutboxRecords {
  private readonly prefix: string

  constructor(
    private readonly storage: ClientStorage,
    userId: string,
  ) {
    this.prefix = `parley:outbox:${userId}:`
  }

  async list(): Promise<OutboxRecord[]> {
    const keys = await this.storage.keys(this.prefix)
    const texts = await Promise.all([...keys].sort().map((key) => this.storage.get(key)))
    return texts.flatMap((text) => (text === null ? [] : parse(text)))
  }

  write(record: OutboxRecord): Promise<void> {
    return this.storage.set(this.keyOf(record), JSON.stringify(record))
  }

  async has(record: OutboxRecord): Promise<boolean> {
    return (await this.storage.get(this.keyOf(record))) !== null
  }

  /** Writes it where it is still there, and answers whether it was: another tab may have finished with it. */
  async update(record: OutboxRecord): Promise<boolean> {
    const isThere = await this.has(record)
    if (isThere) await this.write(record)
    return isThere
  }

  remove(record: OutboxRecord): Promise<void> {
    return this.storage.delete(this.keyOf(record))
  }

  onChange(run: () => void): () => void {
    return this.storage.subscribe?.(run) ?? (() => undefined)
  }

  /** One message has another key after each `retry`. */
  keyOf({ order, clientMessageId }: OutboxRecord): string {
    return `${this.prefix}${String(order).padStart(ORDER_DIGITS, '0')}:${clientMessageId}`
  }
}

/** What this version cannot read is left where it is. */
function parse(text: string): OutboxRecord[] {
  try {
    const record = JSON.parse(text) as OutboxRecord
    return typeof record.clientMessageId === 'string' && typeof record.order === 'number' ? [record] : []
  } catch {
    return []
  }
}

export const failureOf = (record: OutboxRecord): ParleyError | null =>
  record.failure === null
    ? null
    : new ParleyError(record.failure.code, record.failure.message, { uncertain: record.tried })
