import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeStep } from './carry-out.js'
import { isStandalone } from './fault.js'
import { FAULTS } from './faults/index.js'
import { type CampaignOptions, readOptions, USAGE, WrongUsage } from './options.js'
import { type FaultReport, violationsOf } from './report/fault-report.js'
import { tableOf } from './report/table.js'
import { withTable } from './report/write.js'
import { runFault, scheduleOf } from './run-fault.js'
import { selectFaults } from './select.js'

const FOLDER = resolve('dist/faults-runs')
const PAGE = resolve('docs/reliability.md')

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const faults = selectFaults(FAULTS, options.names)
  if (options.dry) return printSchedules(faults, options)
  await mkdir(FOLDER, { recursive: true })
  const reports: FaultReport[] = []
  for (const fault of faults)
    for (const processes of isStandalone(fault) ? [1] : options.processes) {
      say(`${fault.name}, ${processes} processes, seed ${options.seed}: ${fault.title}`)
      const report = await runOne(fault, processes, options)
      reports.push(report)
      for (const violation of report.violations) say(`  VIOLATION ${violation}`)
      for (const { name, seen } of report.checks) if (seen !== undefined) say(`  ${name}: ${seen}`)
      say(
        `  ${report.violations.length === 0 ? 'withstood' : 'VIOLATED'} after ${Math.round(report.tookMs / 1_000)} s; ${report.historyPath ?? 'no history'}`,
      )
    }
  say(`\n${tableOf(reports)}`)
  if (options.write) await writeFile(PAGE, withTable(await readFile(PAGE, 'utf8'), reports))
  if (reports.some(({ violations }) => violations.length > 0)) process.exitCode = 1
}

async function runOne(
  fault: (typeof FAULTS)[number],
  processes: number,
  { seed, seconds }: CampaignOptions,
): Promise<FaultReport> {
  const sayBelow = (line: string) => say(line)
  if (!isStandalone(fault))
    return await runFault({ fault, seed, processes, seconds, folder: FOLDER, say: sayBelow })
  const startedMs = performance.now()
  const { checks } = await fault.run({ seed, say: sayBelow })
  return {
    name: fault.name,
    title: fault.title,
    scale: fault.scale ?? null,
    processes: 1,
    seed,
    steps: [],
    marginMs: 0,
    experience: null,
    checks,
    verdicts: [],
    violations: violationsOf(checks),
    historyPath: null,
    tookMs: performance.now() - startedMs,
  }
}

function printSchedules(
  faults: readonly (typeof FAULTS)[number][],
  { seed, processes, seconds }: CampaignOptions,
): void {
  for (const fault of faults)
    for (const count of isStandalone(fault) ? [] : processes) {
      say(`${fault.name}, ${count} processes, seed ${seed}: ${fault.title}`)
      if (!isStandalone(fault))
        for (const step of scheduleOf(fault, seed, count, seconds)) say(`  ${describeStep(step)}`)
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  try {
    await main()
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}\n`)
    process.exitCode = 2
  }
