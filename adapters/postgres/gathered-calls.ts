import { PortUnavailable } from '../../core/ports/port-unavailable.js'

export type GatherOptions<Item> = {
  readonly port: string
  readonly maxBatch: number
  /** Calls that may wait; the next one is refused at once. */
  readonly maxWaiting: number
  /** A call is refused this long after it was made, and is not run any more where it still waits. */
  readonly deadlineMs: number
  /** Items of one key keep their order, and share a batch only where `mayShare` says so. */
  readonly keyOf: (item: Item) => string
  /** Whether a batch that holds `first` may hold `later`, of the same key, as well. Left out: never. */
  readonly mayShare?: (first: Item, later: Item) => boolean
  /** How long after the beginning of a batch the next one may begin; asked anew each time. Left out: at once. */
  readonly spacingMs?: () => number
}

type Waiting<Item, Answer> = {
  readonly item: Item
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Runs calls that arrive together as one: those of a tick, and all that gather while a batch is under way. */
export class GatheredCalls<Item, Answer> {
  /** In the order of the calls, as are those under way. */
  private waiting: Waiting<Item, Answer>[] = []
  private underWay: readonly Waiting<Item, Answer>[] = []
  private isWatched = false
  private isBusy = false
  private begunMs = Number.NEGATIVE_INFINITY

  constructor(
    /** Answers each item of a batch, in order. */
    private readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>,
    private readonly options: GatherOptions<Item>,
  ) {}

  call(item: Item): Promise<Answer> {
    const { port, maxWaiting, deadlineMs } = this.options
    if (this.waiting.length >= maxWaiting)
      return Promise.reject(new PortUnavailable(port, new Error('Too many calls wait for the database')))
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, expiresAt: performance.now() + deadlineMs, resolve, reject })
      this.watch()
      if (this.isBusy) return
      this.isBusy = true
      this.schedule()
    })
  }

  /** One timer, for the call whose time is up first; where that has been answered by then, for the next. */
  private watch(): void {
    if (this.isWatched) return
    const firsts = [...this.underWay.slice(0, 1), ...this.waiting.slice(0, 1)]
    if (firsts.length === 0) return
    this.isWatched = true
    const atMs = Math.min(...firsts.map(({ expiresAt }) => expiresAt))
    // Rounded up, so that it does not fire before the time.
    const restMs = Math.ceil(Math.max(0, atMs - performance.now()))
    setTimeout(() => {
      this.isWatched = false
      this.refuseExpired()
      this.watch()
    }, restMs).unref()
  }

  private refuseExpired(): void {
    const now = performance.now()
    const isOpen = ({ expiresAt }: Waiting<Item, Answer>): boolean => expiresAt > now
    const expired = [...this.underWay, ...this.waiting].filter((call) => !isOpen(call))
    if (expired.length === 0) return
    this.underWay = this.underWay.filter(isOpen)
    this.waiting = this.waiting.filter(isOpen)
    const error = new PortUnavailable(this.options.port, new Error('The database did not answer in time'))
    for (const { reject } of expired) reject(error)
  }

  private schedule(): void {
    const restMs = this.restMs()
    if (restMs > 0) setTimeout(() => void this.drain(), restMs)
    else setImmediate(() => void this.drain())
  }

  private async drain(): Promise<void> {
    // All that waited may have been refused meanwhile.
    while (this.waiting.length > 0 && this.restMs() <= 0) {
      this.begunMs = performance.now()
      const batch = this.nextBatch()
      this.underWay = batch
      try {
        const answers = await this.run(batch.map(({ item }) => item))
        for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
      this.underWay = []
    }
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
