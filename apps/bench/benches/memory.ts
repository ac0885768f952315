import { setTimeout as sleep } from 'node:timers/promises'
import { type Prepared, prepare } from '../arena.js'
import type { Bench, BenchContext, BenchReport } from '../bench.js'
import { LoadProcess } from '../load/load-process.js'
import { residentBytes } from '../machine/proc.js'
import { collectGarbage, WITH_AGENT } from '../profile/agent-process.js'
import { judge } from '../report/bounds.js'
import { median, spread } from '../report/numbers.js'
import { table } from '../report/table.js'
import { type RunningSystem, type SystemName, TITLES } from '../systems/system.js'
import { roomsOf } from './scenes.js'

const COMPARED = ['bare', 'parley'] as const
const ROOM_OF = 10
/** Who connects first and stays, so that code and caches that the first connection brings are no part of what each costs. */
const FIRST = 50
const QUIET_MS = 2_000
/**
 * From one collection to the next. V8 gives back what the young generation has grown by when less than 1 MB/s was allocated
 * between them (`Heap::ReduceNewSpaceSize`); how fast the connections came is then no part of what an idle one takes.
 */
const IDLE_MS = 12_000
/** Pages are unmapped behind a collection. */
const UNMAPPING_MS = 1_000

type MemoryRound = {
  readonly round: number
  readonly system: SystemName
  readonly baseBytes: number
  readonly loaded: readonly { readonly connections: number; readonly bytesPerConnection: number }[]
}

/** Resident memory of the server process for each joined connection, after its garbage was collected. */
export const IDLE_MEMORY: Bench = {
  title: `Idle connections, each joined to a room of ${ROOM_OF}`,
  async run({ workspace, settings }): Promise<BenchReport> {
    const counts = settings.quick ? [150] : [1_000, 5_000]
    const people = FIRST + Math.max(...counts)
    const cast = { people, rooms: roomsOf(people, ROOM_OF) }
    const prepared = await Promise.all(COMPARED.map((name) => prepare(name, cast, workspace)))
    const rounds: MemoryRound[] = []
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const contender of prepared) rounds.push(await measure(contender, counts, round, settings))
    }
    return report(rounds, counts)
  },
}

async function measure(
  prepared: Prepared,
  counts: readonly number[],
  round: number,
  { quick, say }: BenchContext['settings'],
): Promise<MemoryRound> {
  const system = await prepared.start(WITH_AGENT)
  const load = LoadProcess.start()
  const connectUpTo = async (count: number) => {
    const clients = prepared.crowd.clients.slice(0, count)
    await load.connect({ ...prepared.crowd, clients, urls: [system.url] }, { stay: true })
    return idleBytes(system, quick)
  }
  try {
    const baseBytes = await connectUpTo(FIRST)
    const loaded = []
    for (const connections of counts) {
      const bytes = await connectUpTo(FIRST + connections)
      loaded.push({ connections, bytesPerConnection: (bytes - baseBytes) / connections })
    }
    const shown = loaded.map(
      ({ connections, bytesPerConnection }) => `${kib(bytesPerConnection)} KiB @${connections}`,
    )
    say(`round ${round}, ${prepared.name}: ${shown.join(', ')}`)
    return { round, system: prepared.name, baseBytes, loaded }
  } finally {
    load.stop()
    await system.stop()
  }
}

async function idleBytes({ pid, child }: RunningSystem, quick: boolean): Promise<number> {
  for (const restMs of quick ? [200] : [QUIET_MS, IDLE_MS, UNMAPPING_MS]) {
    await sleep(restMs)
    await collectGarbage(child)
  }
  const bytes = residentBytes(pid)
  if (bytes === null) throw new Error('this system does not tell the memory of a process')
  return bytes
}

const kib = (bytes: number): number => Math.round((bytes / 1_024) * 10) / 10

function report(rounds: readonly MemoryRound[], counts: readonly number[]): BenchReport {
  const of = (system: SystemName, connections: number) =>
    rounds.flatMap((round) =>
      round.system !== system
        ? []
        : round.loaded
            .filter((loaded) => loaded.connections === connections)
            .map(({ bytesPerConnection }) => bytesPerConnection / 1_024),
    )
  const rows = COMPARED.map((system) => [
    TITLES[system],
    spread(rounds.flatMap((round) => (round.system === system ? [round.baseBytes / 1_048_576] : []))),
    ...counts.map((connections) => spread(of(system, connections))),
  ])
  const bounds = counts.map((connections) => {
    const value = median(of('parley', connections)) / median(of('bare', connections))
    return judge({
      what: `memory of a joined connection, of ${connections}, Parley over bare`,
      value,
      atMost: 1.6,
    })
  })
  const head = [
    'system',
    'base MiB',
    ...counts.map((count) => `KiB a connection, of ${count.toLocaleString('en')}`),
  ]
  return { tables: [table(head, rows)], bounds, raw: rounds }
}
