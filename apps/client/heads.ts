/** The highest seq that this client has seen of each room, wherever it saw it: no read may be older than that. */
export class Heads {
  private readonly seqs = new Map<string, number>()

  of(roomId: string): number {
    return this.seqs.get(roomId) ?? 0
  }

  note(roomId: string, seq: number): void {
    if (seq > this.of(roomId)) this.seqs.set(roomId, seq)
  }

  /** The server's log is shorter than it was: it was restored from a backup. */
  goBack(roomId: string, seq: number): void {
    this.seqs.set(roomId, seq)
  }

  clear(): void {
    this.seqs.clear()
  }
}
