import { monotonicNs, type StallLine } from '../checker/history.js'

const EVERY_MS = 20
/** What is shorter is lost in what every timer of a busy machine is late. */
const LEAST_MS = 50

export type StallWatch = { stop(): void }

/** Notes when this process, which hears for all clients, stood still: what arrived meanwhile is noted down late. */
export function watchStalls(write: (line: StallLine) => void): StallWatch {
  let last = monotonicNs()
  const timer = setInterval(() => {
    const now = monotonicNs()
    if (now - last > LEAST_MS * 1e6) write({ type: 'stall', start: last, stop: now })
    last = now
  }, EVERY_MS)
  return { stop: () => clearInterval(timer) }
}
