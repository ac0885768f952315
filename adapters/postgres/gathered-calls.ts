import { PortUnavailable } from '../../core/ports/port-unavailable.js'

export type GatherOptions<Item> = {
  readonly port: string
  readonly maxBatch: number
  /** Calls that may wait; the next one is refused at once. */
  readonly maxWaiting: number
  /** Items of one key keep their order, and share a batch only where `mayShare` says so. */
  readonly keyOf: (item: Item) => string
  /** Whether a batch that holds `first` may hold `later`, of the same key, as well. Left out: never. */
  readonly mayShare?: (first: Item, later: Item) => boolean
  /** How long after the beginning of a batch the next one may begin; asked anew each time. Left out: at once. */
  readonly spacingMs?: () => number
}

type Waiting<Item, Answer> = {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Runs calls that arrive together as one: those of a tick, and all that gather while a batch is under way. */
export class GatheredCalls<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = []
  private isBusy = false
  private begunMs = Number.NEGATIVE_INFINITY

  constructor(
    /** Answers each item of a batch, in order. */
    private readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>,
    private readonly options: GatherOptions<Item>,
  ) {}

  call(item: Item): Promise<Answer> {
    const { port, maxWaiting } = this.options
    if (this.waiting.length >= maxWaiting)
      return Promise.reject(new PortUnavailable(port, new Error('Too many calls wait for the database')))
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      if (this.isBusy) return
      this.isBusy = true
      this.schedule()
    })
  }

  private schedule(): void {
    const restMs = this.restMs()
    if (restMs > 0) setTimeout(() => void this.drain(), restMs)
    else setImmediate(() => void this.drain())
  }

  private async drain(): Promise<void> {
    do {
      this.begunMs = performance.now()
      const batch = this.nextBatch()
      try {
        const answers = await this.run(batch.map(({ item }) => item))
        for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    } while (this.waiting.length > 0 && this.restMs() <= 0)
    if (this.waiting.length > 0) this.schedule()
    else this.isBusy = false
  }

  private restMs(): number {
    const { spacingMs } = this.options
    return spacingMs === undefined ? 0 : this.begunMs + spacingMs() - performance.now()
  }

  private nextBatch(): readonly Waiting<Item, Answer>[] {
    const { keyOf, maxBatch, mayShare = () => false } = this.options
    const firsts = new Map<string, Item>()
    const putOff = new Set<string>()
    const batch: Waiting<Item, Answer>[] = []
    const later: Waiting<Item, Answer>[] = []
    for (const call of this.waiting) {
      const key = keyOf(call.item)
      const first = firsts.get(key)
      const fits = first === undefined || mayShare(first, call.item)
      if (fits && !putOff.has(key) && batch.length < maxBatch) {
        firsts.set(key, first ?? call.item)
        batch.push(call)
      } else {
        putOff.add(key)
        later.push(call)
      }
    }
    this.waiting = later
    return batch
  }
}
