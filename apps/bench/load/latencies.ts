import type { Latencies } from './protocol.js'

/** Exact quantiles of times in ms: a step has few enough of them to keep and sort. */
export class LatencyRecord {
  private values: Float64Array
  private count = 0

  constructor(expected: number) {
    this.values = new Float64Array(Math.max(16, expected))
  }

  add(ms: number): void {
    if (this.count === this.values.length) {
      const grown = new Float64Array(this.count * 2)
      grown.set(this.values)
      this.values = grown
    }
    this.values[this.count] = ms
    this.count += 1
  }

  summary(): Latencies {
    const sorted = this.values.subarray(0, this.count).sort()
    const quantile = (share: number) =>
      sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
    return { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) }
  }
}
