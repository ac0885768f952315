import { enterArena, type Prepared, prepare } from '../arena.js'
import { RETURN, returnOnce } from '../benches/return-once.js'
import { roomsOf } from '../benches/scenes.js'
import type { ThroughputBench } from '../benches/throughput-rounds.js'
import { cpuSecondsOf, ownCpuSecondsOf } from '../machine/proc.js'
import type { Workspace } from '../machine/workspace.js'
import { rounded } from '../report/numbers.js'
import { failureOf } from '../sustained-rate.js'
import type { RunningSystem, SystemName } from '../systems/system.js'
import { profileWhile, WITH_AGENT } from './agent-process.js'
import { profileFile, profileTables, statementTable } from './profile-report.js'
import { countStatements, statementsWhile } from './statements.js'

export type ProfileOptions = {
  readonly system: SystemName
  readonly perSecond: number
  readonly seconds: number
  readonly say: (line: string) => void
}

/** Something that a server can be profiled at. */
export type Profiled = {
  readonly title: string
  run(workspace: Workspace, options: ProfileOptions): Promise<void>
}

/** One steady step at a set rate. */
export const steadyLoad = (bench: ThroughputBench): Profiled => ({
  title: bench.title,
  async run(workspace, { system: name, perSecond, seconds, say }) {
    const prepared = await prepareCounted(name, bench.scene, workspace)
    const contender = await enterArena(prepared, bench.scene.senders, WITH_AGENT)
    try {
      await contender.step(perSecond, 3_000)
      const step = await observe(prepared, contender.system, say, perSecond * seconds, () =>
        contender.step(perSecond, seconds * 1_000),
      )
      say(`${name} at ${perSecond} messages/s for ${seconds} s: ${failureOf(step) ?? 'held'}`)
      say(`ack p50 / p99 ms: ${rounded(step.ackMs.p50)} / ${rounded(step.ackMs.p99)}`)
    } finally {
      await contender.close()
    }
  },
})

/** Clients that come back to a server that has just been started again, with what they missed. */
export const RETURNING: Profiled = {
  title: `${RETURN.people} clients come back to a fresh process`,
  async run(workspace, { system: name, say }) {
    const { people } = RETURN
    const prepared = await prepareCounted(name, { people, rooms: roomsOf(people, RETURN.roomOf) }, workspace)
    await returnOnce(prepared, WITH_AGENT, async (back, system) => {
      await observe(prepared, system, say, people, () => back)
    })
  },
}

/** From the start of the process to its ready line; the stop that follows is in the profile too. */
export const STARTING: Profiled = {
  title: 'Warm start',
  async run(workspace, { system: name, say }) {
    const prepared = await prepare(name, { people: 1, rooms: [[0]] }, workspace)
    const file = await profileFile(`${name}-start`)
    const at = file.lastIndexOf('/')
    const where = [`--cpu-prof-dir=${file.slice(0, at)}`, `--cpu-prof-name=${file.slice(at + 1)}`]
    const system = await prepared.start({ nodeArgs: ['--cpu-prof', '--cpu-prof-interval=250', ...where] })
    await system.stop()
    say(`ready after ${rounded(system.readyMs)} ms, profiled`)
    say(await profileTables(file))
  },
}

async function prepareCounted(name: SystemName, cast: Parameters<typeof prepare>[1], workspace: Workspace) {
  const prepared = await prepare(name, cast, workspace)
  if (name !== 'bare') await countStatements(prepared.dataDir)
  return prepared
}

/** Profiles the server and counts the statements of its database while `work` runs, and says what each of `count` took. */
async function observe<T>(
  { name, dataDir }: Prepared,
  { child, pid }: RunningSystem,
  say: ProfileOptions['say'],
  count: number,
  work: () => Promise<T>,
): Promise<T> {
  const file = await profileFile(name)
  const from = { all: cpuSecondsOf(pid), node: ownCpuSecondsOf(pid) }
  const profiled = () => profileWhile(child, file, work)
  const { value: run, statements } =
    name === 'bare' ? { value: await profiled(), statements: [] } : await statementsWhile(dataDir, profiled)
  const node = (ownCpuSecondsOf(pid) - from.node) / count
  const others = (cpuSecondsOf(pid) - from.all) / count - node
  say(await profileTables(file))
  if (statements.length > 0)
    say(`\nStatements, by their time in Postgres\n${statementTable(statements, count)}`)
  const delays = Object.values(run.loopDelayMs).map(rounded).join(' / ')
  say(`\nprocessor µs each: Node ${rounded(node * 1e6)}, its Postgres ${rounded(others * 1e6)}`)
  say(`event loop delay p50 / p99 / max ms (1 ms of it is the timer): ${delays}`)
  return run.value
}
