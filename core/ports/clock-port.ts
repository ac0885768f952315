/** Time, so that tests can hold it. Nothing correct rests on it: order comes from the log. */
export interface ClockPort {
  /** Wall clock, ms since the Unix epoch. */
  nowMs(): number
  /** Runs `task` once after `delayMs`. A waiting task does not keep a process alive. */
  after(delayMs: number, task: () => void): Cancel
}

export type Cancel = () => void
