import { expect, it } from 'vitest'
import type { ThroughputBench, ThroughputRound } from '../benches/throughput-rounds.js'
import type { StepResult } from '../load/protocol.js'
import type { SystemName } from '../systems/system.js'
import { throughputBounds } from './throughput-report.js'

const BENCH: ThroughputBench = {
  name: 'rooms',
  title: 'Rooms',
  scene: { people: 0, rooms: [], senders: [] },
  startPerSecond: { bare: 1, naive: 1, parley: 1 },
  unit: 'messages/s',
  unitsPerMessage: 1,
  bounds: { bare: 0.5 },
  latency: false,
}
const QUICKLY = { p50: 1, p99: 2, max: 3 }

function held(system: SystemName, perSecond: number, limitedByLoad = false): ThroughputRound {
  const best: StepResult = {
    perSecond,
    sent: perSecond,
    acked: perSecond,
    refused: 0,
    refusal: null,
    expectedDeliveries: perSecond,
    delivered: perSecond,
    surplus: 0,
    fellBehind: false,
    closed: 0,
    ackMs: QUICKLY,
    deliveryMs: QUICKLY,
    ackFromWriteMs: QUICKLY,
    loadCpu: limitedByLoad ? 0.95 : 0.5,
    serverCpu: 0.8,
    coresBusy: null,
  }
  return { round: 1, system, best, limitedByLoad, steps: [] }
}

it('judges a bound by what both sustained', () => {
  const [bound] = throughputBounds(BENCH, [held('bare', 1_000), held('parley', 500)])
  expect(bound).toMatchObject({ value: 0.5, holds: true })
})

it('lets no bound hold because the load gave out before the reference did', () => {
  const [bound] = throughputBounds(BENCH, [held('bare', 1_000, true), held('parley', 500)])
  expect(bound).toMatchObject({ value: 0.4, holds: false })
  expect(bound?.what).toContain('credited')
})

it('counts a round in which no rate held', () => {
  const none: ThroughputRound = { ...held('parley', 0), best: null }
  const rounds = [held('bare', 1_000), held('parley', 900), none, none]
  expect(throughputBounds(BENCH, rounds)[0]).toMatchObject({ value: 0, holds: false })
})
