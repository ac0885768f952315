import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { enterArena, prepare } from '../arena.js'
import type { ThroughputBench } from '../benches/throughput-rounds.js'
import { cpuSecondsOf, ownCpuSecondsOf } from '../machine/proc.js'
import type { Workspace } from '../machine/workspace.js'
import { rounded } from '../report/numbers.js'
import { table } from '../report/table.js'
import { failureOf } from '../sustained-rate.js'
import type { SystemName } from '../systems/system.js'
import { COMPILED_ROOT, profileWhile, WITH_AGENT } from './agent-process.js'
import { type Share, summarise } from './cpu-profile.js'
import { countStatements, type StatementTotal, statementsWhile } from './statements.js'

export type ProfileOptions = {
  readonly system: SystemName
  readonly perSecond: number
  readonly seconds: number
  readonly say: (line: string) => void
}

const SHOWN = { self: 35, total: 45, places: 16 }

/** One steady step of a bench under the profiler, and where the time of the server and of its database went. */
export async function profileBench(
  bench: ThroughputBench,
  workspace: Workspace,
  { system: name, perSecond, seconds, say }: ProfileOptions,
): Promise<void> {
  const prepared = await prepare(name, bench.scene, workspace)
  if (name !== 'bare') await countStatements(prepared.dataDir)
  const contender = await enterArena(prepared, bench.scene.senders, WITH_AGENT)
  const { child, pid } = contender.system
  const folder = resolve('bench-results')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${name}-${Date.now()}.cpuprofile`)
  try {
    await contender.step(perSecond, 3_000)
    const from = { all: cpuSecondsOf(pid), node: ownCpuSecondsOf(pid) }
    const profiled = () => profileWhile(child, file, () => contender.step(perSecond, seconds * 1_000))
    const { value: run, statements } =
      name === 'bare'
        ? { value: await profiled(), statements: [] }
        : await statementsWhile(prepared.dataDir, profiled)
    const step = run.value
    const node = (ownCpuSecondsOf(pid) - from.node) / step.sent
    const others = (cpuSecondsOf(pid) - from.all) / step.sent - node
    say(`${name} at ${perSecond} messages/s for ${seconds} s: ${failureOf(step) ?? 'held'}`)
    say(`ack p50 / p99 ms: ${rounded(step.ackMs.p50)} / ${rounded(step.ackMs.p99)}`)
    say(`processor µs a message: Node ${rounded(node * 1e6)}, its Postgres ${rounded(others * 1e6)}`)
    say(
      `event loop delay p50 / p99 / max ms (1 ms of it is the timer): ${Object.values(run.loopDelayMs).map(rounded).join(' / ')}`,
    )
    const { self, total, places } = summarise(JSON.parse(await readFile(file, 'utf8')), COMPILED_ROOT)
    say(`\nSelf time by place\n${shares(places.slice(0, SHOWN.places))}`)
    say(`\nSelf time by function\n${shares(self.slice(0, SHOWN.self))}`)
    say(`\nTime with what was called\n${shares(total.slice(0, SHOWN.total))}`)
    if (statements.length > 0)
      say(`\nStatements, by their time in Postgres\n${statementTable(statements, step.sent)}`)
    say(`\nProfile: ${file}`)
  } finally {
    await contender.close()
  }
}

const shares = (rows: readonly Share[]): string =>
  table(
    ['%', 'where'],
    rows.map(({ name, share }) => [(share * 100).toFixed(1), name]),
  )

const statementTable = (rows: readonly StatementTotal[], messages: number): string =>
  table(
    ['µs/message', 'calls', 'mean ms', 'rows', 'statement'],
    rows.map(({ calls, totalMs, meanMs, rows: touched, query }) => [
      rounded((totalMs * 1_000) / messages),
      String(calls),
      rounded(meanMs),
      String(touched),
      query.replaceAll(/\s+/g, ' ').slice(0, 150),
    ]),
  )
