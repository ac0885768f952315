import type { ThroughputBench, ThroughputName, ThroughputRound } from '../benches/throughput.js'
import { LOAD_CPU_MAX } from '../sustained-rate.js'
import { SYSTEMS, type SystemName, TITLES } from '../systems/system.js'
import { type JudgedBound, judge } from './bounds.js'
import { median, spread } from './numbers.js'
import { table } from './table.js'

const BOUNDS: Record<ThroughputName, readonly { readonly over: SystemName; readonly atLeast: number }[]> = {
  'fan-out': [
    { over: 'bare', atLeast: 0.7 },
    { over: 'naive', atLeast: 2.5 },
  ],
  'small-rooms': [
    { over: 'bare', atLeast: 0.45 },
    { over: 'naive', atLeast: 5 },
  ],
  'hot-room': [{ over: 'naive', atLeast: 4 }],
}

const HEAD = [
  'system',
  'sustained',
  'ack p50 / p99 ms there',
  'delivery p50 / p99 ms',
  'server CPU µs/message',
  'server core',
  'load core',
]

export function throughputTable(
  { unit, unitsPerMessage }: ThroughputBench,
  rounds: readonly ThroughputRound[],
): string {
  const rows = SYSTEMS.map((system) => {
    const own = rounds.filter((round) => round.system === system)
    const best = own.flatMap((round) => round.best ?? [])
    const pair = (pick: (step: (typeof best)[number]) => { p50: number; p99: number }) =>
      `${spread(best.map((step) => pick(step).p50))} / ${spread(best.map((step) => pick(step).p99))}`
    const isFloor = own.some((round) => round.limitedByLoad)
    const marks = isFloor ? ` (at least: the load was above ${LOAD_CPU_MAX} of its core)` : ''
    return [
      TITLES[system],
      `${spread(best.map((step) => step.perSecond * unitsPerMessage))} ${unit}${marks}`,
      pair((step) => step.ackMs),
      pair((step) => step.deliveryMs),
      spread(best.map((step) => (step.serverCpu / step.perSecond) * 1e6)),
      spread(best.flatMap((step) => step.coresBusy?.[0] ?? [])),
      spread(best.map((step) => step.loadCpu)),
    ]
  })
  return table(HEAD, rows)
}

export function throughputBounds(name: ThroughputName, rounds: readonly ThroughputRound[]): JudgedBound[] {
  const rate = (system: SystemName) =>
    median(rounds.flatMap((round) => (round.system === system && round.best ? [round.best.perSecond] : [])))
  return BOUNDS[name].map(({ over, atLeast }) =>
    judge({ what: `${name}, Parley over ${TITLES[over]}`, value: rate('parley') / rate(over), atLeast }),
  )
}
