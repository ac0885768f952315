export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Three significant digits, with thousands separated. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 3 })
}

/** Median and, where there is more than one value, the range. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return '–'
  if (values.length === 1) return rounded(values[0] ?? Number.NaN)
  return `${rounded(median(values))} [${rounded(Math.min(...values))}–${rounded(Math.max(...values))}]`
}
