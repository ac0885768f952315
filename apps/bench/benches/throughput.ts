import { type Contender, enterArena, prepare } from '../arena.js'
import type { BenchContext, BenchReport } from '../bench.js'
import { latencyBound, latencyTable, throughputBounds, throughputTable } from '../report/throughput-report.js'
import { searchSustainedRate } from '../sustained-rate.js'
import { SYSTEMS, type SystemName } from '../systems/system.js'
import { measureLatency } from './latency.js'
import { oneRoom, pairs } from './scenes.js'
import type { ThroughputBench, ThroughputRound } from './throughput-rounds.js'
import { type Searching, searchInTurns } from './turns.js'

export const FAN_OUT: ThroughputBench = {
  name: 'fan-out',
  title: 'One room of 50, 5 of whom send',
  scene: oneRoom(50, 5),
  startPerSecond: { bare: 1_200, naive: 250, parley: 600 },
  unit: 'deliveries/s',
  unitsPerMessage: 50,
  bounds: { bare: 0.7, naive: 2.5 },
  latency: false,
}

export const SMALL_ROOMS: ThroughputBench = {
  name: 'small-rooms',
  title: '200 rooms of 2, one of whom sends',
  scene: pairs(200),
  startPerSecond: { bare: 6_000, naive: 800, parley: 2_500 },
  unit: 'acked sends/s',
  unitsPerMessage: 1,
  bounds: { bare: 0.45, naive: 5 },
  latency: true,
}

export const HOT_ROOM: ThroughputBench = {
  name: 'hot-room',
  title: 'One room of 100, all of whom send',
  scene: oneRoom(100, 100),
  startPerSecond: { bare: 600, naive: 250, parley: 600 },
  unit: 'acked sends/s',
  unitsPerMessage: 1,
  bounds: { naive: 4 },
  latency: false,
}

/** Finds the sustained rate of each system so many times, step by step in turn, so that what disturbs the machine disturbs all alike. */
export async function runThroughput(
  bench: ThroughputBench,
  { workspace, settings }: BenchContext,
): Promise<BenchReport> {
  const contenders: Contender[] = []
  const rounds: ThroughputRound[] = []
  try {
    for (const name of SYSTEMS) {
      const prepared = await prepare(name, bench.scene, workspace)
      const contender = await enterArena(prepared, bench.scene.senders)
      contenders.push(contender)
      await contender.step(startOf(bench, name, settings) / 2, settings.firstWarmUpMs)
    }
    for (let round = 1; round <= settings.rounds; round += 1) {
      const searching = contenders.map((contender) => {
        const earlier = rounds.findLast(({ system }) => system === contender.name)?.best
        return { contender, search: searchFor(bench, settings, contender.name, earlier?.perSecond) }
      })
      for (const [{ name: system }, sustained] of await searchInTurns(searching, settings)) {
        const found = { round, system, ...sustained }
        rounds.push(found)
        settings.say(describe(bench, found))
      }
    }
    const latencies = bench.latency ? await measureLatency(contenders, rounds, settings) : []
    return {
      tables: [throughputTable(bench, rounds), ...(bench.latency ? [latencyTable(latencies)] : [])],
      bounds: [...throughputBounds(bench, rounds), ...(bench.latency ? [latencyBound(latencies)] : [])],
      raw: { rounds, latencies },
    }
  } finally {
    for (const contender of contenders) await contender.close()
  }
}

const startOf = (bench: ThroughputBench, system: SystemName, { startShare }: BenchContext['settings']) =>
  bench.startPerSecond[system] * startShare

function searchFor(
  bench: ThroughputBench,
  settings: BenchContext['settings'],
  system: SystemName,
  earlier: number | undefined,
): Searching['search'] {
  const { precision, growth, stepsMax } = settings
  const near =
    earlier === undefined
      ? { startPerSecond: startOf(bench, system, settings), growth }
      : // Near what an earlier round has found, fewer steps do.
        { startPerSecond: earlier * 0.85, growth: Math.min(growth, 1.25) }
  return searchSustainedRate({ ...near, precision, stepsMax })
}

function describe({ unit, unitsPerMessage }: ThroughputBench, round: ThroughputRound): string {
  const { best, steps } = round
  const rate = best === null ? 'none' : Math.round(best.perSecond * unitsPerMessage).toLocaleString('en')
  const beyond = steps.findLast(({ failure }) => failure !== null)?.failure ?? '–'
  const limit = round.limitedByLoad ? ' (the load gave out)' : ''
  return `round ${round.round}, ${round.system}: ${rate} ${unit}${limit}; beyond: ${beyond}`
}
