/** Lets `capacity` run at once and `maxQueued` wait, in order of arrival; refuses the rest at once. */
export class Admission {
  private running = 0
  private readonly waiting: { readonly admit: () => void }[] = []

  constructor(
    private readonly capacity: number,
    private readonly maxQueued: number,
  ) {}

  load(): { readonly running: number; readonly waiting: number } {
    return { running: this.running, waiting: this.waiting.length }
  }

  /**
   * Null where the queue is full; else resolves with the way to give the place back, to be called once. `abandon` gives up
   * waiting. `first` goes before all that wait, also where the queue is full.
   */
  enter(first: boolean): { readonly admitted: Promise<() => void>; readonly abandon: () => void } | null {
    if (this.running < this.capacity) {
      this.running += 1
      return { admitted: Promise.resolve(() => this.leave()), abandon: () => {} }
    }
    if (!first && this.waiting.length >= this.maxQueued) return null
    let entry: { readonly admit: () => void } = { admit: () => {} }
    const admitted = new Promise<() => void>((resolve) => {
      entry = { admit: () => resolve(() => this.leave()) }
    })
    if (first) this.waiting.unshift(entry)
    else this.waiting.push(entry)
    return { admitted, abandon: () => this.abandon(entry) }
  }

  private abandon(entry: { readonly admit: () => void }): void {
    const index = this.waiting.indexOf(entry)
    if (index >= 0) this.waiting.splice(index, 1)
  }

  /** The place passes to the next that waits, so `running` stays. */
  private leave(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.running -= 1
    else next.admit()
  }
}
