import { describe, expect, it } from 'vitest'
import { Deadlines } from './deadlines.js'
import type { Header, NemesisLine } from './history.js'
import { historyOf } from './history-file.js'

const MS = 1e6
const header: Header = { type: 'header', run: 'r', seed: 1, configuration: {}, instances: ['i1', 'i2'] }
const fault = (rest: Partial<NemesisLine>): NemesisLine => ({
  type: 'nemesis',
  fault: 'P4',
  target: 'postgres',
  start: 10_000 * MS,
  stop: 40_000 * MS,
  ...rest,
})
const deadlines = (...lines: NemesisLine[]) => new Deadlines(historyOf([header, ...lines]))
const on = (instance: string) => ({ client: 'c1', instance })
const overAt = (of: Deadlines, ms: number, bound: Parameters<Deadlines['after']>[1], instance = 'i1') =>
  of.after(ms * MS, bound, on(instance)) / MS

describe('A bound', () => {
  it('is that of the contract where no fault says otherwise', () => {
    expect(overAt(deadlines(fault({})), 9_000, 'L7')).toBe(11_000)
    expect(overAt(deadlines(), 1_000, 'L10-death')).toBe(61_000)
  })

  it('runs from the healing of a fault that suspends it, if it would have run out during the fault', () => {
    const some = deadlines(fault({ suspends: ['L7'] }))
    expect(overAt(some, 7_000, 'L7')).toBe(9_000)
    expect(overAt(some, 9_000, 'L7')).toBe(42_000)
    expect(overAt(some, 39_000, 'L7')).toBe(42_000)
    expect(overAt(some, 41_000, 'L7')).toBe(43_000)
    expect(overAt(some, 20_000, 'L10-disconnect')).toBe(40_000)
  })

  it('runs from the last of faults that follow each other too closely', () => {
    const next = fault({ start: 41_000 * MS, stop: 50_000 * MS, suspends: ['L7'] })
    expect(overAt(deadlines(fault({ suspends: ['L7'] }), next), 9_000, 'L7')).toBe(52_000)
  })

  it('is put off only for what the instance that is the target has shown', () => {
    const some = deadlines(fault({ target: 'i2', suspends: ['L7'] }))
    expect(overAt(some, 20_000, 'L7', 'i2')).toBe(42_000)
    expect(overAt(some, 20_000, 'L7', 'i1')).toBe(22_000)
  })

  it('is wider by the worst stall of the clients in its time, and endless where that was too long', () => {
    const stall = (start: number, ms: number) =>
      ({ type: 'stall', start: start * MS, stop: (start + ms) * MS }) as const
    const some = new Deadlines(historyOf([header, stall(1_500, 300), stall(2_500, 700), stall(9_000, 1_100)]))
    expect(overAt(some, 1_000, 'L7')).toBe(3_700)
    expect(overAt(some, 1_900, 'L7')).toBe(4_600)
    expect(overAt(some, 4_000, 'L7')).toBe(6_000)
    expect(overAt(some, 7_500, 'L7')).toBe(Infinity)
    expect(overAt(some, 4_000, 'L10-disconnect')).toBe(Infinity)
    expect(overAt(some, 8_500, 'L8')).toBe(9_500)
    expect(overAt(some, 10_200, 'L7')).toBe(12_200)
  })

  it('of what must be safe is never put off, and has what the contract gives while Redis is away', () => {
    const frozen = deadlines(fault({ suspends: ['L7', 'L10'] }))
    expect(overAt(frozen, 20_000, 'L8')).toBe(21_000)
    expect(overAt(frozen, 20_000, 'L9')).toBe(21_000)
    const away = deadlines(fault({ target: 'redis', redis: 'away' }))
    expect(overAt(away, 20_000, 'L9')).toBe(25_000)
    expect(overAt(away, 20_000, 'L7')).toBe(25_000)
    expect(overAt(away, 41_000, 'L9')).toBe(42_000)
  })
})
