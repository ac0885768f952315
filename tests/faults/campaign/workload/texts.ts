/**
 * The texts of messages as their authors left them. A message is edited by one device at a time, and never again after an edit
 * whose outcome nobody knows: that one could still take effect later.
 */
export class Texts {
  private readonly present = new Map<string, string>()
  private readonly closed = new Set<string>()
  private tokens = 0

  /** The text to build on, or null where the message is not to be touched; ends with `end`. */
  begin(messageId: string, shown: string): string | null {
    if (this.closed.has(messageId)) return null
    this.closed.add(messageId)
    return this.present.get(messageId) ?? shown
  }

  /** `text` is the new one, or null where the old one stands. */
  end(messageId: string, text: string | null): void {
    if (text !== null) this.present.set(messageId, text)
    this.closed.delete(messageId)
  }

  nextToken(): string {
    this.tokens += 1
    return `e${this.tokens}`
  }
}
