import type { Cancel, ClockPort } from '../../core/ports/clock-port.js'

export type MemoryClockOptions = {
  readonly startMs?: number
  /** Whether time also passes by itself, at the pace of the wall clock. */
  readonly followsWallClock?: boolean
}

type Waiting = { readonly dueMs: number; readonly task: () => void; timer: Timer | null }
type Timer = ReturnType<typeof setTimeout>

const DEFAULT_START_MS = Date.UTC(2026, 0, 1)

/** Node runs a timer with a longer delay at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Lets everything run that waits on nothing but promises. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A clock in the hand of whoever holds it: time stands still until it is moved. */
export class MemoryClock implements ClockPort {
  private standsAtMs: number
  private readonly wallStartMs: number | null
  private readonly waiting = new Set<Waiting>()

  constructor({ startMs = DEFAULT_START_MS, followsWallClock = false }: MemoryClockOptions = {}) {
    this.standsAtMs = startMs
    this.wallStartMs = followsWallClock ? Date.now() : null
  }

  nowMs(): number {
    return this.standsAtMs + (this.wallStartMs === null ? 0 : Date.now() - this.wallStartMs)
  }

  after(delayMs: number, task: () => void): Cancel {
    const waiting: Waiting = { dueMs: this.nowMs() + Math.max(0, delayMs), task, timer: null }
    this.waiting.add(waiting)
    if (this.wallStartMs !== null) this.arm(waiting)
    return () => this.forget(waiting)
  }

  /**
   * Moves time forward and runs the tasks that fall due, in order, each at its own time. What a task sets off is let run
   * before the next, and a task that it adds in time runs too.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs() + ms
    await settle()
    for (let next = this.nextUntil(untilMs); next !== null; next = this.nextUntil(untilMs)) {
      this.standsAtMs += Math.max(0, next.dueMs - this.nowMs())
      this.run(next)
      await settle()
    }
    this.standsAtMs += Math.max(0, untilMs - this.nowMs())
  }

  /** Jumps to a time, also back, as a corrected clock does. Runs nothing. */
  set(nowMs: number): void {
    this.standsAtMs += nowMs - this.nowMs()
  }

  private nextUntil(untilMs: number): Waiting | null {
    const due = [...this.waiting].filter(({ dueMs }) => dueMs <= untilMs)
    return due.toSorted((a, b) => a.dueMs - b.dueMs)[0] ?? null
  }

  private arm(waiting: Waiting): void {
    const restMs = waiting.dueMs - this.nowMs()
    const again = () => (waiting.dueMs > this.nowMs() ? this.arm(waiting) : this.run(waiting))
    waiting.timer = setTimeout(again, Math.min(restMs, LONGEST_TIMER_MS)).unref()
  }

  private run(waiting: Waiting): void {
    this.forget(waiting)
    waiting.task()
  }

  private forget(waiting: Waiting): void {
    this.waiting.delete(waiting)
    if (waiting.timer !== null) clearTimeout(waiting.timer)
  }
}
