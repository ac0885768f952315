import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readHistory } from '../../checker/history-file.js'
import type { Check, Step } from '../fault.js'
import type { OpenedWorld, RunOptions } from '../opened-world.js'
import { type Experience, experienceOf, type FaultWindow } from './experience.js'

export type FaultReport = {
  readonly name: string
  readonly title: string
  readonly scale: string | null
  readonly processes: number
  readonly seed: number
  readonly steps: readonly Step[]
  readonly experience: Experience | null
  readonly checks: readonly Check[]
  /** One line each; empty: the fault was withstood. */
  readonly violations: readonly string[]
  readonly historyPath: string | null
  readonly tookMs: number
}

export type ReportSetup = RunOptions & {
  readonly opened: OpenedWorld
  readonly steps: readonly Step[]
  readonly window: FaultWindow
  readonly checks: readonly Check[]
  readonly tookMs: number
}

/** Judges the history of a run and keeps the judgement beside it. */
export async function reportOf(setup: ReportSetup): Promise<FaultReport> {
  const { fault, seed, opened, steps, window, checks, tookMs } = setup
  const history = await readHistory(opened.historyPath)
  const report: FaultReport = {
    name: fault.name,
    title: fault.title,
    scale: fault.scale ?? null,
    processes: opened.instances.length,
    seed,
    steps,
    experience: experienceOf(history, window),
    checks,
    violations: violationsOf(checks),
    historyPath: opened.historyPath,
    tookMs,
  }
  await writeFile(join(dirname(opened.historyPath), 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  return report
}

/** What was found, and what looked at nothing. */
export const violationsOf = (checks: readonly Check[]): string[] =>
  checks.flatMap(({ name, checked, violations }) => [
    ...(checked === 0 ? [`${name}: nothing was checked`] : []),
    ...violations.map((violation) => `${name}: ${violation}`),
  ])
