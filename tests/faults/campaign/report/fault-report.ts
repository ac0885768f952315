import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkHistory, type Judgement } from '../../checker/check-history.js'
import { KINDS } from '../../checker/findings.js'
import { groupBy } from '../../checker/grouping.js'
import type { History } from '../../checker/history.js'
import { readHistory } from '../../checker/history-file.js'
import { faultAt, reportOn, smallestWitnesses, worstStallMs } from '../../checker/report.js'
import type { Check, Fault, Step } from '../fault.js'
import type { OpenedWorld, RunOptions } from '../opened-world.js'
import { type Experience, experienceOf, type FaultWindow } from './experience.js'
import { type FaultReport, keepReport } from './kept-reports.js'
import { deliveredInTime, noticed } from './noticed.js'

export type ReportSetup = RunOptions & {
  readonly opened: OpenedWorld
  readonly steps: readonly Step[]
  readonly window: FaultWindow
  readonly checks: readonly Check[]
  readonly tookMs: number
}

/** Judges the history of a run and keeps the judgement beside it. */
export async function reportOf(setup: ReportSetup): Promise<FaultReport> {
  const { fault, seed, opened, steps, window, tookMs } = setup
  const history = await readHistory(opened.historyPath)
  const judgement = checkHistory(history)
  const experience = experienceOf(history, window)
  const checks = [...setup.checks, ...unnoticedChecks(fault, history, experience)]
  const report: FaultReport = {
    name: fault.name,
    title: fault.title,
    scale: fault.scale ?? null,
    processes: opened.instances.length,
    seed,
    commit: String(history.header.configuration.commit),
    steps,
    stalledMs: Math.round(worstStallMs(history)),
    experience,
    checks,
    verdicts: judgement.verdicts,
    violations: [...violationsOf(checks), ...violationsIn(history, judgement)],
    witnesses: smallestWitnesses(history, judgement),
    historyPath: opened.historyPath,
    tookMs,
  }
  const beside = (name: string) => join(dirname(opened.historyPath), name)
  await keepReport(dirname(opened.historyPath), report)
  await writeFile(beside('verdict.txt'), `${reportOn(history, judgement).join('\n')}\n`)
  return report
}

const unnoticedChecks = ({ unnoticed }: Fault, history: History, experience: Experience): Check[] => {
  if (unnoticed === undefined) return []
  const { deliveredWithinMs } = unnoticed
  return [
    noticed(history),
    ...(deliveredWithinMs === null ? [] : [deliveredInTime(experience, deliveredWithinMs)]),
  ]
}

/** Of one check; the report has them all. */
const SHOWN = 5

/** What was found, and what looked at nothing. */
export const violationsOf = (checks: readonly Check[]): string[] =>
  checks.flatMap(({ name, checked, violations }) => [
    ...(checked === 0 ? [`${name}: nothing was checked`] : []),
    ...violations.slice(0, SHOWN).map((violation) => `${name}: ${violation}`),
    ...(violations.length > SHOWN ? [`${name}: and ${violations.length - SHOWN} more`] : []),
  ])

/** What the checker found against the history, and the invariants of which it could check nothing. */
function violationsIn(history: History, { verdicts, violations, counts }: Judgement): string[] {
  const unchecked = verdicts.filter(({ outcome }) => outcome === 'unchecked')
  const kinds = groupBy(violations, ({ kind }) => kind)
  return [
    ...unchecked.map(({ invariant }) => `${invariant}: nothing was checked`),
    ...Array.from(kinds, ([kind, [first]]) => {
      const when = first?.t == null ? '' : ` (fault: ${faultAt(history.faults, first.t)})`
      return `${KINDS[kind].invariant} ${kind}, ${counts.get(kind)} times, first: ${first?.what}${when}`
    }),
  ]
}
