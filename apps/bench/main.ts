import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { BENCHES, PROFILED } from './benches/index.js'
import { describeMachine, type Machine, machineLines } from './machine/describe.js'
import { undoAtSignals } from './machine/undoing.js'
import { openWorkspace, type Workspace } from './machine/workspace.js'
import { type Options, readOptions, USAGE } from './options.js'
import { boundLine } from './report/bounds.js'
import { fillPage, type Results } from './report/page.js'
import { settingsFor } from './settings.js'

const RESULTS = 'bench-results'
const say = (line: string) => void process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`)
    process.exit(2)
  }
  if (options.page !== null) return fill(options.page, options.names)
  undoAtSignals()
  const workspace = await openWorkspace()
  try {
    const machine = describeMachine(workspace)
    for (const line of machineLines(machine)) say(line)
    if (options.profile === null) await measure(options, workspace, machine)
    else await profile(options.names, options.profile, workspace)
  } finally {
    await workspace.remove()
  }
}

async function measure(
  { names, quick, rounds }: Options,
  workspace: Workspace,
  machine: Machine,
): Promise<void> {
  const settings = settingsFor(quick, rounds, say)
  if (quick) say('The steps are too short for the figures to mean anything: this only shows that it works.')
  const benches: Record<string, unknown> = {}
  const lines: string[] = []
  for (const name of names) {
    const bench = BENCHES.get(name)
    if (bench === undefined) continue
    const startedMs = performance.now()
    say(`\n## ${name}: ${bench.title}\n`)
    const { tables, bounds, raw } = await bench.run({ workspace, settings })
    const tookS = (performance.now() - startedMs) / 1_000
    benches[name] = { title: bench.title, tookS, raw, tables, bounds }
    for (const text of tables) say(`\n${text}`)
    lines.push(...bounds.map(boundLine))
    say(`\n${bounds.map(boundLine).join('\n')}\n(${tookS.toFixed(0)} s)`)
  }
  if (names.length > 1) say(`\n## Bounds\n\n${lines.join('\n')}`)
  await mkdir(RESULTS, { recursive: true })
  const file = resolve(join(RESULTS, `${machine.at.replaceAll(/[:.]/g, '-')}.json`))
  await writeFile(file, `${JSON.stringify({ machine, quick, benches }, null, 1)}\n`)
  say(`\nRaw results: ${file}`)
}

async function fill(page: string, files: readonly string[]): Promise<void> {
  const runs = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Results),
  )
  await writeFile(page, fillPage(await readFile(page, 'utf8'), runs))
}

async function profile(
  names: readonly string[],
  options: NonNullable<Options['profile']>,
  workspace: Workspace,
): Promise<void> {
  for (const name of names) {
    const profiled = PROFILED.get(name)
    if (profiled === undefined) continue
    say(`\n## ${name}: ${profiled.title}\n`)
    await profiled.run(workspace, { ...options, say })
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`The bench failed: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
})
