/** How long and how often a bench measures. */
export type BenchSettings = {
  readonly quick: boolean
  readonly rounds: number
  readonly stepMs: number
  readonly warmUpMs: number
  readonly growth: number
  readonly precision: number
  /** Told of progress. */
  readonly say: (line: string) => void
}

export function settingsFor(
  quick: boolean,
  rounds: number | null,
  say: (line: string) => void,
): BenchSettings {
  return quick
    ? { quick, rounds: rounds ?? 1, stepMs: 300, warmUpMs: 200, growth: 3, precision: 3.1, say }
    : { quick, rounds: rounds ?? 3, stepMs: 2_000, warmUpMs: 1_500, growth: 1.6, precision: 1.07, say }
}
