import { isDeepStrictEqual } from 'node:util'
import type { Message, RoomEvent } from '../../../../apps/client/index.js'
import type { Json } from '../workload/try-http.js'

/** A room as whoever joins sees it: the snapshot at its head, and each event after it, without any repair. */
export class RoomView {
  readonly anomalies: string[] = []
  private readonly messages = new Map<string, Message>()
  private readonly early: RoomEvent[] = []
  private from = Number.POSITIVE_INFINITY
  private begunAt = 0
  private head: number | null = null
  private over = false

  constructor(private readonly userId: string) {}

  /** Its user has left the room, or was removed: it was told so, and sees nothing more. */
  get isOver(): boolean {
    return this.over
  }

  /** What was pushed, whether or not the join has been answered. */
  receive(payload: Json): void {
    const events = payload.events as readonly RoomEvent[]
    if (this.head === null) this.early.push(...events)
    else for (const event of events) this.apply(event)
  }

  /** The answer to the join. */
  begin(data: Json): void {
    const { messages } = data.snapshot as { readonly messages: readonly Message[] }
    for (const message of messages) this.messages.set(message.id, message)
    this.from = messages[0]?.seq ?? 1
    this.begunAt = data.headSeq as number
    this.head = this.begunAt
    for (const event of this.early) this.apply(event)
  }

  /** How it differs from the whole truth about the messages. */
  differences(truth: readonly Message[]): string[] {
    const due = truth.filter(({ seq }) => seq >= this.from)
    const wrong = due.filter((message) => !isDeepStrictEqual(this.messages.get(message.id), message))
    const known = new Set(due.map(({ id }) => id))
    const foreign = [...this.messages.keys()].filter((id) => !known.has(id))
    return [
      ...this.anomalies,
      ...wrong.map(({ id, seq }) => `message ${id} at ${seq} is another one than in the room`),
      ...foreign.map((id) => `message ${id} is not in the room`),
    ]
  }

  private apply(event: RoomEvent): void {
    // Those up to the head are in the snapshot.
    if (event.seq <= this.begunAt) return
    if (event.seq !== (this.head ?? 0) + 1)
      this.anomalies.push(`seq ${event.seq} was pushed after ${this.head}`)
    this.head = event.seq
    if (event.type === 'message.sent' || event.type === 'message.edited') {
      const { message } = event.data
      // An edit of what is older than the snapshot is none of its business.
      if (event.type === 'message.sent' || this.messages.has(message.id))
        this.messages.set(message.id, message)
    } else if (event.type === 'member.left' && event.data.userId === this.userId) this.over = true
    else if (event.type === 'message.deleted') this.erase(event.data.messageId, event.at)
  }

  private erase(messageId: string, at: string): void {
    const message = this.messages.get(messageId)
    if (message !== undefined) this.messages.set(messageId, { ...message, text: '', deletedAt: at })
  }
}
