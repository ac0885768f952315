import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { REDIS_PROGRAM, redisVersion } from '../../support/redis-server.js'
import { describeStep } from './carry-out.js'
import { topologyOf } from './defaults.js'
import { isStandalone, needsRedis, type StandaloneFault } from './fault.js'
import { FAULTS } from './faults/index.js'
import { type CampaignOptions, readOptions, USAGE, WrongUsage } from './options.js'
import { violationsOf } from './report/fault-report.js'
import { type FaultReport, keepReport, newestReports } from './report/kept-reports.js'
import { tableOf } from './report/table.js'
import { withTable } from './report/write.js'
import { runFault, scheduleOf } from './run-fault.js'
import { selectFaults } from './select.js'
import { currentCommit } from './versions.js'

const FOLDER = resolve('dist/faults-runs')
const PAGE = resolve('docs/reliability.md')

const NO_REDIS = `no ${REDIS_PROGRAM} (REDIS_SERVER_PATH)`

type AnyFault = (typeof FAULTS)[number]

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const faults = selectFaults(FAULTS, options.names)
  if (options.dry) return printSchedules(faults, options)
  await mkdir(FOLDER, { recursive: true })
  const reports = options.table ? [] : await runAll(faults, options)
  const kept = await newestReports(
    FOLDER,
    FAULTS.map(({ name }) => name),
  )
  say(`\n${tableOf(options.table ? kept : reports)}`)
  if (options.write)
    await writeFile(PAGE, withTable(await readFile(PAGE, 'utf8'), 'npm run faults', tableOf(kept)))
  if (reports.some(({ violations }) => violations.length > 0)) process.exitCode = 1
}

async function runAll(faults: readonly AnyFault[], options: CampaignOptions): Promise<FaultReport[]> {
  const reports: FaultReport[] = []
  for (const fault of faults) {
    const isMissed = needsRedis(fault) && redisVersion() === null
    if (isMissed && process.env.CI !== 'true') {
      say(`${fault.name}: skipped, because there is ${NO_REDIS}`)
      continue
    }
    for (const processes of processesFor(fault, options)) {
      say(`${fault.name}, ${processes} processes, seed ${options.seed}: ${fault.title}`)
      const { seed } = options
      const run = isMissed
        ? Promise.reject(new Error(`there is ${NO_REDIS}`))
        : runOne(fault, processes, options)
      const report = await run.catch((error: unknown) => brokenOff(fault, { seed, processes, error }))
      reports.push(report)
      tell(report)
    }
  }
  return reports
}

/** Each number once, where a fault needs more of them than it was asked to have. */
const processesFor = (fault: AnyFault, { processes }: CampaignOptions): readonly number[] =>
  isStandalone(fault)
    ? [1]
    : [...new Set(processes.map((count) => Math.max(count, topologyOf(fault).minProcesses)))]

const runOne = (
  fault: AnyFault,
  processes: number,
  { seed, seconds }: CampaignOptions,
): Promise<FaultReport> =>
  isStandalone(fault)
    ? runStandalone(fault, seed)
    : runFault({ fault, seed, processes, seconds, folder: FOLDER, say })

function tell({ violations, checks, tookMs, historyPath, stalledMs }: FaultReport): void {
  for (const violation of violations) say(`  VIOLATION ${violation}`)
  for (const { name, seen } of checks) if (seen !== undefined) say(`  ${name}: ${seen}`)
  say(
    `  ${violations.length === 0 ? 'withstood' : 'VIOLATED'} after ${Math.round(tookMs / 1_000)} s, ` +
      `the clients themselves at most ${stalledMs ?? 0} ms late; ${historyPath ?? 'no history'}`,
  )
}

async function runStandalone(fault: StandaloneFault, seed: number): Promise<FaultReport> {
  const startedMs = performance.now()
  const { checks } = await fault.run({ seed, say })
  const report = {
    ...(await emptyReport(fault, seed, 1)),
    checks,
    violations: violationsOf(checks),
    tookMs: performance.now() - startedMs,
  }
  await keepReport(join(FOLDER, `${fault.name}-seed${seed}`), report)
  return report
}

type Broken = { readonly seed: number; readonly processes: number; readonly error: unknown }

/** A run without an end is none that was withstood, whoever is to blame. */
async function brokenOff(fault: AnyFault, { seed, processes, error }: Broken): Promise<FaultReport> {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const report = {
    ...(await emptyReport(fault, seed, processes)),
    violations: [`the run was broken off: ${told}`],
  }
  await keepReport(join(FOLDER, `${fault.name}-${processes}p-seed${seed}-broken-off`), report)
  return report
}

async function emptyReport(
  { name, title, scale }: AnyFault,
  seed: number,
  processes: number,
): Promise<FaultReport> {
  return {
    name,
    title,
    scale: scale ?? null,
    processes,
    seed,
    commit: await currentCommit(),
    steps: [],
    stalledMs: null,
    experience: null,
    checks: [],
    verdicts: [],
    violations: [],
    witnesses: [],
    historyPath: null,
    tookMs: 0,
  }
}

function printSchedules(faults: readonly AnyFault[], options: CampaignOptions): void {
  const { seed, seconds } = options
  for (const fault of faults) {
    if (isStandalone(fault)) continue
    for (const count of processesFor(fault, options)) {
      say(`${fault.name}, ${count} processes, seed ${seed}: ${fault.title}`)
      for (const step of scheduleOf(fault, seed, count, seconds)) say(`  ${describeStep(step)}`)
    }
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
