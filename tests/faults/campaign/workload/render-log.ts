import type { Message, RoomHandle } from '../../../../apps/client/index.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import { observed } from '../../checker/wire.js'
import type { Instance } from '../parts.js'

type Shower = {
  readonly name: string
  readonly account: { readonly userId: string }
  readonly at: Pick<Instance, 'name'>
}

/** Writes what a client's store shows of a room after each change. */
export class RenderLog {
  private shown = new Map<string, Message>()
  private unsubscribe: (() => void) | null = null
  private handle: RoomHandle | null = null

  constructor(
    private readonly writer: HistoryWriter,
    private readonly shower: Shower,
    private readonly roomId: string,
  ) {}

  follow(handle: RoomHandle): void {
    this.rest()
    this.shown.clear()
    this.handle = handle
    this.unsubscribe = handle.subscribe(() => this.writeChange())
    this.writeChange()
  }

  rest(): void {
    this.unsubscribe?.()
    this.unsubscribe = null
    this.handle = null
  }

  shows(messageId: string): boolean {
    return this.shown.has(messageId)
  }

  writeAll(): void {
    if (this.handle === null) return
    this.write(this.handle.getSnapshot().messages, true)
  }

  private writeChange(): void {
    if (this.handle === null) return
    const { messages } = this.handle.getSnapshot()
    // A message that did not change stays the same object.
    const changed = messages.filter((message) => this.shown.get(message.id) !== message)
    const isNew = this.shown.size === 0
    for (const message of changed) this.shown.set(message.id, message)
    if (isNew || this.shown.size !== messages.length) this.beginAnew(messages)
    else if (changed.length > 0) this.write(changed, false)
  }

  /** What was shown is not all still there: the client was too far behind, and began with a snapshot. */
  private beginAnew(messages: readonly Message[]): void {
    this.shown = new Map(messages.map((message) => [message.id, message]))
    if (messages.length > 0) this.write(messages, true)
  }

  private write(items: readonly Message[], full: boolean): void {
    const snapshot = this.handle?.getSnapshot()
    if (snapshot === undefined) return
    this.writer.rendered({
      client: this.shower.name,
      user: this.shower.account.userId,
      instance: this.shower.at.name,
      room: this.roomId,
      head: snapshot.headSeq,
      items: items.map(observed),
      shown: snapshot.messages.length,
      ...(full ? { full } : {}),
    })
  }
}
