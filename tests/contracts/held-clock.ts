import type { Cancel, ClockPort } from '../../core/ports/clock-port.js'

/** A clock that moves only when it is told to. */
export class HeldClock implements ClockPort {
  private waiting: { readonly atMs: number; readonly task: () => void }[] = []

  constructor(private atMs = 1_700_000_000_000) {}

  nowMs(): number {
    return this.atMs
  }

  after(delayMs: number, task: () => void): Cancel {
    const entry = { atMs: this.atMs + delayMs, task }
    this.waiting.push(entry)
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry)
    }
  }

  /** Moves on (or back, for negative `ms`) and runs what has become due, in order. */
  pass(ms: number): void {
    const untilMs = this.atMs + ms
    for (let next = this.nextDue(untilMs); next !== undefined; next = this.nextDue(untilMs)) {
      this.waiting.splice(this.waiting.indexOf(next), 1)
      this.atMs = Math.max(this.atMs, next.atMs)
      next.task()
    }
    this.atMs = untilMs
  }

  private nextDue(untilMs: number) {
    return this.waiting.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
  }
}
