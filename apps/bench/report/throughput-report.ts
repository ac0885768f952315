import type { LatencyRound, ThroughputBench, ThroughputRound } from '../benches/throughput-rounds.js'
import type { StepResult } from '../load/protocol.js'
import { coreOf } from '../machine/pinning.js'
import { LOAD_CPU_MAX } from '../sustained-rate.js'
import { SYSTEMS, type SystemName, TITLES } from '../systems/system.js'
import { type JudgedBound, judge } from './bounds.js'
import { median, spread } from './numbers.js'
import { table } from './table.js'

const HEAD = [
  'system',
  'sustained',
  'ack p50 / p99 ms there',
  'delivery p50 / p99 ms there',
  'server CPU µs/message',
  'server core',
  'load core',
]

const pair = (steps: readonly StepResult[], of: 'ackMs' | 'deliveryMs' | 'ackFromWriteMs'): string =>
  `${spread(steps.map((step) => step[of].p50))} / ${spread(steps.map((step) => step[of].p99))}`

/** Server CPU is that of the process and its database; the cores' shares count whoever else ran there. */
export function throughputTable(
  { unit, unitsPerMessage }: ThroughputBench,
  rounds: readonly ThroughputRound[],
): string {
  const rows = SYSTEMS.map((system) => {
    const own = rounds.filter((round) => round.system === system)
    const best = own.flatMap((round) => round.best ?? [])
    const isFloor = own.some((round) => round.limitedByLoad)
    const mark = isFloor ? ` (at least: the load was above ${LOAD_CPU_MAX} of its core)` : ''
    return [
      TITLES[system],
      `${spread(best.map((step) => step.perSecond * unitsPerMessage))} ${unit}${mark}`,
      pair(best, 'ackMs'),
      pair(best, 'deliveryMs'),
      spread(best.map((step) => (step.serverCpu / step.perSecond) * 1e6)),
      spread(best.flatMap((step) => step.coresBusy?.[coreOf('server')] ?? [])),
      spread(best.map((step) => step.loadCpu)),
    ]
  })
  return table(HEAD, rows)
}

export function throughputBounds(
  { name, bounds }: ThroughputBench,
  rounds: readonly ThroughputRound[],
): JudgedBound[] {
  const own = (system: SystemName) => rounds.filter((round) => round.system === system)
  const reached = median(own('parley').map(({ best }) => best?.perSecond ?? 0))
  return SYSTEMS.flatMap((over) => {
    const atLeast = bounds[over]
    if (atLeast === undefined) return []
    const isCredited = own(over).some(({ limitedByLoad }) => limitedByLoad)
    const value = reached / median(own(over).map(possibleRate))
    const credit = isCredited ? ' (credited with what its core had left when the load gave out)' : ''
    return [judge({ what: `${name}, Parley over ${TITLES[over]}${credit}`, value, atLeast })]
  })
}

/** What a reference might have reached, messages/s: no bound is to hold because the load gave out before it did. */
function possibleRate({ best, limitedByLoad }: ThroughputRound): number {
  if (best === null) return 0
  return limitedByLoad ? best.perSecond / Math.min(1, best.serverCpu) : best.perSecond
}

const LOADS = { own: 'a tenth of its own limit', common: 'a tenth of the lower limit' } as const

export function latencyTable(rounds: readonly LatencyRound[]): string {
  const rows = (['own', 'common'] as const).flatMap((load) =>
    (['naive', 'parley'] as const).map((system) => {
      const steps = stepsOf(rounds, system, load)
      return [
        LOADS[load],
        TITLES[system],
        spread(steps.map(({ perSecond }) => perSecond)),
        pair(steps, 'ackFromWriteMs'),
        pair(steps, 'deliveryMs'),
      ]
    }),
  )
  return table(['load', 'system', 'messages/s', 'ack p50 / p99 ms', 'delivery p50 / p99 ms'], rows)
}

/** Each at its own tenth, as the bound has it. */
export function latencyBound(rounds: readonly LatencyRound[]): JudgedBound {
  const p50 = (system: SystemName) =>
    median(stepsOf(rounds, system, 'own').map((step) => step.ackFromWriteMs.p50))
  const what = 'ack p50 at a tenth of its own limit, Parley over one transaction a message'
  return judge({ what, value: p50('parley') / p50('naive'), atMost: 1.5 })
}

function stepsOf(
  rounds: readonly LatencyRound[],
  system: SystemName,
  load: LatencyRound['load'],
): StepResult[] {
  return rounds.flatMap((round) => (round.system === system && round.load === load ? [round.step] : []))
}
