import { seededRandom } from '../../../../adapters/memory/index.js'

export const NS_PER_MS = 1e6

/** Chance that repeats itself with its seed. */
export class Chance {
  private readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  happens(probability: number): boolean {
    return this.random() / 2 ** 32 < probability
  }

  below(count: number): number {
    return Math.floor((this.random() / 2 ** 32) * count)
  }

  /** Of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** Whole nanoseconds between two times in ms. */
  ns(fromMs: number, toMs: number): number {
    return Math.round((fromMs + (this.random() / 2 ** 32) * (toMs - fromMs)) * NS_PER_MS)
  }
}

type Due = { readonly t: number; readonly order: number; readonly run: () => void }

const isBefore = (a: Due, b: Due): boolean => a.t < b.t || (a.t === b.t && a.order < b.order)

/** Time that passes only by what is due in it. */
export class Clockwork {
  now = 0
  private readonly heap: Due[] = []
  private count = 0

  after(ns: number, run: () => void): void {
    this.at(this.now + ns, run)
  }

  at(t: number, run: () => void): void {
    this.count += 1
    const due = { t: Math.max(t, this.now), order: this.count, run }
    const { heap } = this
    let place = heap.push(due) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!isBefore(due, heap[parent] as Due)) break
      heap[place] = heap[parent] as Due
      place = parent
    }
    heap[place] = due
  }

  runUntil(end: number): void {
    for (let next = this.heap[0]; next && next.t <= end; next = this.heap[0]) {
      this.take()
      this.now = next.t
      next.run()
    }
    this.now = end
  }

  private take(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let place = 0
    for (let child = 1; child < heap.length; child = 2 * place + 1) {
      const right = heap[child + 1]
      const smaller = right && isBefore(right, heap[child] as Due) ? child + 1 : child
      if (!isBefore(heap[smaller] as Due, last)) break
      heap[place] = heap[smaller] as Due
      place = smaller
    }
    heap[place] = last
  }
}
