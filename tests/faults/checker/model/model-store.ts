import type { Answer, Entry, Observed } from '../history.js'

/** What a client shows of a room: a snapshot, and the events after it, without a hole. */
export class ModelStore {
  head = 0
  private readonly shown = new Map<string, Observed>()
  private readonly waiting = new Map<number, Entry>()

  get count(): number {
    return this.shown.size
  }

  get all(): Observed[] {
    return [...this.shown.values()].sort((a, b) => a.seq - b.seq)
  }

  /** The answer to a join: true if it was a snapshot, which replaces everything. */
  join({ head = 0, entries, messages }: Answer): boolean {
    if (entries !== undefined) return false
    this.shown.clear()
    for (const message of messages ?? []) this.shown.set(message.mid, message)
    this.head = head
    return true
  }

  /** What changed on the screen. */
  apply(entries: readonly Entry[]): Observed[] {
    for (const entry of entries) if (entry.seq > this.head) this.waiting.set(entry.seq, entry)
    const changed = new Map<string, Observed>()
    for (let next = this.waiting.get(this.head + 1); next; next = this.waiting.get(this.head + 1)) {
      this.head = next.seq
      this.waiting.delete(next.seq)
      const message = this.after(next)
      if (message === null) continue
      this.shown.set(message.mid, message)
      changed.set(message.mid, message)
    }
    return [...changed.values()]
  }

  private after({ event, mid, message }: Entry): Observed | null {
    if (event === 'message.sent') return message ?? null
    const known = this.shown.get(mid ?? '')
    // What happens to messages older than the snapshot is not shown.
    if (known === undefined) return null
    return event === 'message.deleted' ? { ...known, body: '', deleted: true } : (message ?? null)
  }
}
