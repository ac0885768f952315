const SAMPLE_MS = 50
const SATURATED_FROM = 0.95

/** Tells whether the event loop of this process had next to no idle time lately, so that to wait a little costs nobody anything. */
export function saturation(): () => boolean {
  let from = performance.eventLoopUtilization()
  let sampledMs = performance.now()
  let isSaturated = false
  return () => {
    const nowMs = performance.now()
    if (nowMs - sampledMs < SAMPLE_MS) return isSaturated
    const now = performance.eventLoopUtilization()
    isSaturated = performance.eventLoopUtilization(now, from).utilization >= SATURATED_FROM
    from = now
    sampledMs = nowMs
    return isSaturated
  }
}
