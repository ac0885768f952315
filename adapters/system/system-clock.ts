import type { Cancel, ClockPort } from '../../core/ports/clock-port.js'

/** `setTimeout` takes 31 bits; anything longer would run at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The clock and the timers of the machine. */
export class SystemClock implements ClockPort {
  nowMs(): number {
    return Date.now()
  }

  after(delayMs: number, task: () => void): Cancel {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, LONGEST_TIMER_MS)
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : task()), stepMs)
      timer.unref()
    }
    wait(delayMs)
    return () => clearTimeout(timer)
  }
}
