/** A bound of the project on a ratio within one run, or on a time. */
export type Bound = {
  readonly what: string
  readonly value: number
  readonly atLeast?: number
  readonly atMost?: number
}

export type JudgedBound = Bound & { readonly holds: boolean }

export function judge(bound: Bound): JudgedBound {
  const { value, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = bound
  return { ...bound, holds: value >= atLeast && value <= atMost }
}

export function boundLine({ what, value, atLeast, atMost, holds }: JudgedBound): string {
  const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
  const shown = Number.isFinite(value) ? value.toFixed(2) : '–'
  return `${what}, bound ${limit}: ${shown} ${holds ? '✓' : '✗'}`
}
