import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Verdict } from '../../checker/check-history.js'
import type { Check, Step } from '../fault.js'
import type { Experience } from './experience.js'

export type FaultReport = {
  readonly name: string
  readonly title: string
  readonly scale: string | null
  readonly processes: number
  readonly seed: number
  /** Of the code that was run. */
  readonly commit: string
  readonly steps: readonly Step[]
  /** For how long the clients' own process stood still at worst; null where the fault brings its own judgement. */
  readonly stalledMs: number | null
  readonly experience: Experience | null
  readonly checks: readonly Check[]
  /** By the checker, on each invariant. */
  readonly verdicts: readonly Verdict[]
  /** One line each; empty: the fault was withstood. */
  readonly violations: readonly string[]
  /** Lines of the history that show them: the fewest that the checker has of each kind. */
  readonly witnesses: readonly string[]
  readonly historyPath: string | null
  readonly tookMs: number
}

const FILE = 'report.json'

/** Keeps a report in the folder of its run. */
export async function keepReport(folder: string, report: FaultReport): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, FILE), `${JSON.stringify(report, null, 2)}\n`)
}

/** The newest report of each fault and number of processes, in the order of `names`. */
export async function newestReports(folder: string, names: readonly string[]): Promise<FaultReport[]> {
  const found: { readonly report: FaultReport; readonly atMs: number }[] = []
  for (const run of await readdir(folder).catch(() => [])) {
    const path = join(folder, run, FILE)
    const written = await stat(path).catch(() => null)
    if (written === null) continue
    found.push({ report: JSON.parse(await readFile(path, 'utf8')) as FaultReport, atMs: written.mtimeMs })
  }
  const newest = new Map<string, FaultReport>()
  for (const { report } of found.sort((a, b) => a.atMs - b.atMs))
    newest.set(`${report.name} ${report.processes}`, report)
  const place = ({ name }: FaultReport) => names.indexOf(name)
  return [...newest.values()]
    .filter((report) => place(report) !== -1)
    .sort((a, b) => place(a) - place(b) || a.processes - b.processes)
}
