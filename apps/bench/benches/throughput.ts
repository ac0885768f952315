import { type Contender, enterArena, type Scene } from '../arena.js'
import type { Workspace } from '../machine/workspace.js'
import type { BenchSettings } from '../settings.js'
import { findSustainedRate, type Sustained } from '../sustained-rate.js'
import { SYSTEMS, type SystemName } from '../systems/system.js'
import { oneRoom, pairs } from './scenes.js'

export const THROUGHPUT_BENCHES = ['fan-out', 'small-rooms', 'hot-room'] as const
export type ThroughputName = (typeof THROUGHPUT_BENCHES)[number]

export type ThroughputBench = {
  readonly title: string
  readonly scene: Scene
  readonly startPerSecond: number
  readonly unit: string
  /** How many of the unit a message makes. */
  readonly unitsPerMessage: number
}

export const THROUGHPUT: Record<ThroughputName, ThroughputBench> = {
  'fan-out': {
    title: 'One room of 50, 5 of whom send',
    scene: oneRoom(50, 5),
    startPerSecond: 250,
    unit: 'deliveries/s',
    unitsPerMessage: 50,
  },
  'small-rooms': {
    title: '200 rooms of 2, one of whom sends',
    scene: pairs(200),
    startPerSecond: 600,
    unit: 'acked sends/s',
    unitsPerMessage: 1,
  },
  'hot-room': {
    title: 'One room of 100, all of whom send',
    scene: oneRoom(100, 100),
    startPerSecond: 100,
    unit: 'acked sends/s',
    unitsPerMessage: 1,
  },
}

export type ThroughputRound = { readonly round: number; readonly system: SystemName } & Sustained

/** Finds the sustained rate of each system, in turn and so many times, so that what disturbs the machine disturbs all alike. */
export async function measureThroughput(
  bench: ThroughputBench,
  workspace: Workspace,
  settings: BenchSettings,
): Promise<ThroughputRound[]> {
  const contenders: Contender[] = []
  const rounds: ThroughputRound[] = []
  try {
    for (const name of SYSTEMS) contenders.push(await enterArena(name, bench.scene, workspace))
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const contender of contenders) {
        const earlier = rounds.findLast(({ system }) => system === contender.name)?.best
        const found = await findSustainedRate(contender.step, searchFor(bench, settings, earlier?.perSecond))
        rounds.push({ round, system: contender.name, ...found })
        settings.say(describe(bench, rounds.at(-1)))
      }
    }
  } finally {
    for (const contender of contenders) await contender.close()
  }
  return rounds
}

function searchFor(bench: ThroughputBench, settings: BenchSettings, earlier: number | undefined) {
  const { stepMs, warmUpMs, precision } = settings
  const base = { stepMs, warmUpMs, precision }
  if (earlier === undefined) return { ...base, startPerSecond: bench.startPerSecond, growth: settings.growth }
  // Near what an earlier round has found, fewer steps do.
  return { ...base, startPerSecond: earlier * 0.8, growth: Math.min(settings.growth, 1.25) }
}

function describe({ unit, unitsPerMessage }: ThroughputBench, round: ThroughputRound | undefined): string {
  if (round === undefined) return ''
  const { best, steps } = round
  const rate = best === null ? 'none' : Math.round(best.perSecond * unitsPerMessage).toLocaleString('en')
  const last = steps.findLast(({ failure }) => failure !== null)
  const limit = round.limitedByLoad ? ' (the load gave out)' : ''
  return `round ${round.round}, ${round.system}: ${rate} ${unit}${limit}; beyond: ${last?.failure ?? '–'}`
}
