import { ParleyError } from './errors.js'
import type { Link } from './link.js'
import type { Environment } from './options.js'
import { type OutboxRecord, OutboxRecords } from './outbox-records.js'
import { OutboxSender } from './outbox-sender.js'
import { inOrder, Queued } from './queued.js'
import type { ClientStorage } from './storage.js'
import { Store } from './store.js'
import type { Outbox, OutboxItem, Outgoing, SendOptions, SendOutcome } from './types.js'
import type { Message } from './wire.js'

type Parts = {
  readonly link: Link
  readonly storage: ClientStorage
  readonly environment: Environment
  /** Called at the ack, before the message leaves the outbox. */
  readonly onDelivered: (message: Message) => void
}

const signedOut = (): ParleyError => new ParleyError('SIGNED_OUT', 'Nobody is signed in.')
const unknown = (): ParleyError => new ParleyError('NOT_FOUND', 'There is no such message in the outbox.')

/** The unsent messages of the user who is signed in. What the storage holds is what there is; here is a picture of it. */
export class StoredOutbox implements Outbox {
  private readonly store = new Store<readonly OutboxItem[]>([])
  readonly subscribe = this.store.subscribe
  readonly getSnapshot = this.store.getSnapshot

  private records: OutboxRecords | null = null
  private readonly items = new Map<string, Queued>()
  private readonly outcomes = new Map<string, (outcome: SendOutcome) => void>()
  private readonly sender: OutboxSender
  /** What is done with the storage is done one after the other, so that the picture of it never comes late. */
  private turn: Promise<unknown> = Promise.resolve()
  /** The keys of messages that are done with, and which the storage would not let go. */
  private readonly finished = new Set<string>()
  private isLookDue = false
  private lastOrder = 0
  private stopWatching: () => void = () => undefined

  constructor(private readonly parts: Parts) {
    this.sender = new OutboxSender(parts.link, parts.environment, this)
  }

  open(userId: string): void {
    const records = new OutboxRecords(this.parts.storage, userId)
    this.records = records
    // What lies here already was left by a tab that is gone; if it is not, sending it twice does no harm.
    void this.inTurn(() => this.look(records, null)).then(
      () => this.sender.wake(this.rooms()),
      // A storage that cannot be read now is read again before the next message is sent.
      () => undefined,
    )
    this.stopWatching = records.onChange(() => this.changed(records))
  }

  close(): void {
    this.stopWatching()
    this.records = null
    this.isLookDue = false
    this.items.clear()
    for (const [id] of [...this.outcomes]) this.settle(id, { status: 'kept' })
    this.sender.stop()
    this.show()
  }

  /** Forgets all that this user has not sent. */
  async discardAll(): Promise<void> {
    await this.inTurn(async (records) => {
      for (const record of await records.list()) await records.remove(record)
    })
  }

  async send(roomId: string, text: string, options: SendOptions = {}): Promise<Outgoing> {
    const { environment, link } = this.parts
    const clientMessageId = options.clientMessageId ?? environment.newId()
    if (this.items.has(clientMessageId) || this.outcomes.has(clientMessageId))
      throw new ParleyError('CONFLICT', 'A message with this id is in the outbox already.')
    const outcome = new Promise<SendOutcome>((resolve) => this.outcomes.set(clientMessageId, resolve))
    const add = async (records: OutboxRecords): Promise<void> => {
      const item = new Queued(
        {
          clientMessageId,
          roomId,
          text,
          threadId: options.threadId ?? null,
          replyTo: options.replyTo ?? null,
          createdAtMs: environment.nowMs(),
          order: this.nextOrder(),
          // It will be sent at once, and what is written now need not be written again.
          tried: link.online && this.next(roomId) === null,
          failure: null,
        },
        null,
        false,
      )
      this.items.set(clientMessageId, item)
      await records.write(item.record)
      item.isStored = true
    }
    try {
      await this.inTurn(add)
    } catch (error) {
      this.items.delete(clientMessageId)
      this.outcomes.delete(clientMessageId)
      throw error
    }
    this.show()
    this.sender.wake([roomId])
    return { clientMessageId, outcome }
  }

  async retry(clientMessageId: string): Promise<void> {
    const item = this.items.get(clientMessageId)
    if (item === undefined || !item.isFailed) throw unknown()
    // Another message has that id.
    const isTaken = item.record.failure?.code === 'CONFLICT'
    await this.inTurn(async (records) => {
      // Called twice, here or in another tab: the first one does it.
      if (this.items.get(clientMessageId) !== item || !(await records.has(item.record))) throw unknown()
      const id = isTaken ? this.parts.environment.newId() : clientMessageId
      const record = { ...item.record, clientMessageId: id, order: this.nextOrder(), failure: null }
      const again = new Queued(record, null, !isTaken && item.uncertain)
      await records.write(record)
      await records.remove(item.record)
      again.isStored = true
      this.items.delete(clientMessageId)
      this.items.set(id, again)
    })
    this.show()
    this.sender.wake([item.record.roomId])
  }

  async discard(clientMessageId: string): Promise<void> {
    const item = this.items.get(clientMessageId)
    if (item === undefined) throw unknown()
    await this.inTurn((records) => records.remove(item.record))
    this.drop(item, { status: 'discarded' })
  }

  /** Sends whatever there is, because there is a connection again. */
  wake(): void {
    this.sender.wake(this.rooms())
  }

  /** There is no connection. */
  sleep(): void {
    this.sender.stop()
  }

  // What the sender needs.

  /** The first message of a room that has not failed, after another look at the storage. */
  async head(roomId: string): Promise<Queued | null> {
    await this.inTurn((records) => this.look(records, this.parts.environment.monotonicMs())).catch(
      () => undefined,
    )
    return this.next(roomId)
  }

  /** Notes in the storage that it is about to be sent; false where another tab has finished with it. */
  async markTried(item: Queued): Promise<boolean> {
    const record = { ...item.record, tried: true }
    const isThere = await this.inTurn((records) => records.update(record))
    item.record = record
    if (!isThere) this.drop(item, { status: 'elsewhere' })
    return isThere
  }

  async delivered(item: Queued, outcome: SendOutcome): Promise<void> {
    if (outcome.status === 'delivered') this.parts.onDelivered(outcome.message)
    // Where it cannot be removed it is sent again by the next page, which the server answers as it does now.
    await this.inTurn((records) => this.finish(records, item.record)).catch(() => undefined)
    this.drop(item, outcome)
  }

  async failed(item: Queued, error: ParleyError): Promise<void> {
    const record: OutboxRecord = { ...item.record, failure: { code: error.code, message: error.message } }
    const isThere = await this.inTurn((records) => records.update(record)).catch(() => true)
    if (!isThere) return this.drop(item, { status: 'elsewhere' })
    item.record = record
    this.show()
    this.settle(record.clientMessageId, { status: 'failed', error, uncertain: item.uncertain })
  }

  show(): void {
    const stored = [...this.items.values()].filter(({ isStored }) => isStored).sort(inOrder)
    const shown = stored.map((item) => item.view())
    const before = this.store.getSnapshot()
    if (shown.length !== before.length || shown.some((view, index) => view !== before[index]))
      this.store.set(shown)
  }

  private changed(records: OutboxRecords): void {
    if (this.isLookDue) return
    this.isLookDue = true
    const look = (): Promise<void> => {
      this.isLookDue = false
      return this.look(records, this.parts.environment.monotonicMs())
    }
    void this.inTurn(look).then(
      () => this.sender.wake(this.rooms()),
      () => undefined,
    )
  }

  /** Brings the picture up to what the storage holds. */
  private async look(records: OutboxRecords, foreignSinceMs: number | null): Promise<void> {
    const found = new Map<string, OutboxRecord>()
    for (const record of await records.list())
      if (this.finished.has(records.keyOf(record))) await this.finish(records, record)
      else found.set(record.clientMessageId, record)
    if (this.records !== records) return
    for (const [id, record] of found) {
      this.lastOrder = Math.max(this.lastOrder, record.order)
      const known = this.items.get(id)
      if (known !== undefined) {
        // A refusal that could not be stored counts all the same, until a retry gives the message another place.
        const isRefused = known.isFailed && known.record.order === record.order
        const isSame = JSON.stringify(known.record) === JSON.stringify(record)
        if (!known.isSending && !isRefused && !isSame) known.record = record
        continue
      }
      const item = new Queued(record, foreignSinceMs, record.tried)
      item.isStored = true
      this.items.set(id, item)
    }
    for (const [id, item] of this.items)
      if (item.isStored && !item.isSending && !found.has(id)) this.drop(item, { status: 'elsewhere' })
    this.show()
  }

  /** Removes it; where that fails, it is passed over from now on, and tried again with the next look. */
  private async finish(records: OutboxRecords, record: OutboxRecord): Promise<void> {
    const key = records.keyOf(record)
    this.finished.add(key)
    await records.remove(record).then(
      () => this.finished.delete(key),
      () => undefined,
    )
  }

  private next(roomId: string): Queued | null {
    const waiting = [...this.items.values()].filter(
      (item) => item.record.roomId === roomId && item.isStored && !item.isFailed,
    )
    return waiting.sort(inOrder)[0] ?? null
  }

  private rooms(): string[] {
    return [...new Set([...this.items.values()].map(({ record }) => record.roomId))]
  }

  private nextOrder(): number {
    this.lastOrder = Math.max(this.parts.environment.nowMs(), this.lastOrder + 1)
    return this.lastOrder
  }

  private drop(item: Queued, outcome: SendOutcome): void {
    const { clientMessageId } = item.record
    if (this.items.get(clientMessageId) !== item) return
    this.items.delete(clientMessageId)
    this.show()
    this.settle(clientMessageId, outcome)
  }

  private settle(clientMessageId: string, outcome: SendOutcome): void {
    const resolve = this.outcomes.get(clientMessageId)
    this.outcomes.delete(clientMessageId)
    resolve?.(outcome)
  }

  private inTurn<T>(run: (records: OutboxRecords) => Promise<T>): Promise<T> {
    const { records } = this
    if (records === null) return Promise.reject(signedOut())
    const result = this.turn.then(() => {
      // Another user's by now.
      if (this.records !== records) throw signedOut()
      return run(records)
    })
    this.turn = result.catch(() => undefined)
    return result
  }
}
