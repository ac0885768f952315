import type { Cancel, ClockPort } from '../../../core/ports/clock-port.js'

/** Broken on purpose: a cancelled task runs all the same. */
export class DeafClock implements ClockPort {
  constructor(private readonly clock: ClockPort) {}

  nowMs(): number {
    return this.clock.nowMs()
  }

  after(delayMs: number, task: () => void): Cancel {
    this.clock.after(delayMs, task)
    return () => undefined
  }
}
