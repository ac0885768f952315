/** How long and how often a bench measures. */
export type BenchSettings = {
  readonly quick: boolean
  readonly rounds: number
  readonly stepMs: number
  /** Before each step, at half of its rate. */
  readonly warmUpMs: number
  /** Before the first search of a system: until its code is compiled. */
  readonly firstWarmUpMs: number
  /** Of the rate at which the search for a limit begins. */
  readonly startShare: number
  readonly growth: number
  readonly precision: number
  /** Of a search. */
  readonly stepsMax: number
  /** Told of progress. */
  readonly say: (line: string) => void
}

const FULL = {
  stepMs: 2_000,
  warmUpMs: 500,
  firstWarmUpMs: 15_000,
  startShare: 1,
  growth: 1.6,
  precision: 1.07,
  stepsMax: 24,
}
/** Two low rates and no search. */
const QUICK = {
  stepMs: 250,
  warmUpMs: 100,
  firstWarmUpMs: 100,
  startShare: 0.1,
  growth: 2,
  precision: 1.07,
  stepsMax: 2,
}

export function settingsFor(
  quick: boolean,
  rounds: number | null,
  say: (line: string) => void,
): BenchSettings {
  return { quick, rounds: rounds ?? (quick ? 1 : 3), ...(quick ? QUICK : FULL), say }
}
