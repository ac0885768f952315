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
    this.handle = handle
    this.unsubscribe = handle.subscribe(() => this.writeChange())
    this.writeChange()
  }

  rest(): void {
    this.unsubscribe?.()
    this.unsubscribe = null
    this.handle = null
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
    const isReplaced =
      messages.length < this.shown.size + changed.filter(({ id }) => !this.shown.has(id)).length
    if (changed.length === 0 && !isReplaced) return
    if (isReplaced) this.shown.clear()
    for (const message of messages) this.shown.set(message.id, message)
    this.write(isReplaced ? messages : changed, isReplaced)
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
