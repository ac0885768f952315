const TICK_MS = 25

/**
 * Passes on the newest value of each key, at most once an interval a key, in batches. The first of a key goes out within a
 * tick. A key that is quiet for an interval is forgotten. Where passing on takes time, the next batch waits for it and the
 * interval begins after it; it must not reject.
 */
export class Coalescer<V> {
  private readonly waiting = new Map<string, V>()
  private readonly cooling = new Map<string, number>()
  private timer: NodeJS.Timeout | null = null
  private isPassing = false

  constructor(
    private readonly intervalMs: number,
    private readonly merge: (older: V, newer: V) => V,
    private readonly pass: (batch: ReadonlyMap<string, V>) => void | Promise<void>,
  ) {}

  offer(key: string, value: V): void {
    const older = this.waiting.get(key)
    this.waiting.set(key, older === undefined ? value : this.merge(older, value))
    this.timer ??= setInterval(() => this.tick(), TICK_MS).unref()
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
    this.waiting.clear()
  }

  private tick(): void {
    if (this.isPassing) return
    const nowMs = performance.now()
    for (const [key, untilMs] of this.cooling) {
      // They were added in this order, all for the same time.
      if (untilMs > nowMs) break
      this.cooling.delete(key)
    }
    const batch = new Map<string, V>()
    for (const [key, value] of this.waiting) {
      if (this.cooling.has(key)) continue
      this.waiting.delete(key)
      batch.set(key, value)
    }
    if (batch.size > 0) this.passOn(batch)
    if (this.isPassing || this.waiting.size > 0 || this.cooling.size > 0 || this.timer === null) return
    clearInterval(this.timer)
    this.timer = null
  }

  private passOn(batch: ReadonlyMap<string, V>): void {
    const cool = () => {
      const untilMs = performance.now() + this.intervalMs
      for (const key of batch.keys()) this.cooling.set(key, untilMs)
    }
    const passing = this.pass(batch)
    if (!(passing instanceof Promise)) {
      cool()
      return
    }
    this.isPassing = true
    void passing.finally(() => {
      this.isPassing = false
      cool()
    })
  }
}
