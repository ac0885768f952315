import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import { KINDS } from './findings.js'
import type { Line } from './history.js'
import { historyOf } from './history-file.js'
import { Chance } from './model/clockwork.js'
import { modelLines } from './model/model-history.js'
import { MUTATORS } from './mutators/index.js'

const SEEDS = Array.from({ length: 60 }, (_, at) => at + 1)
/** Histories that each mutator must spoil at least. */
const LEAST = 3
const ENOUGH = 5

const histories = new Map<number, ReturnType<typeof modelLines>>()
const linesOf = (seed: number) => {
  const lines = histories.get(seed) ?? modelLines(seed)
  histories.set(seed, lines)
  return lines
}

describe('The checker tells of a system that', () => {
  it.each(Object.entries(MUTATORS))('%s', (_name, { spoil, finds }) => {
    let spoilt = 0
    for (const seed of SEEDS) {
      const lines = spoil(linesOf(seed), new Chance(seed))
      if (lines === null) continue
      spoilt += 1
      const { ok, violations } = checkHistory(historyOf(lines))
      expect({ seed, ok, kinds: violations.map(({ kind }) => kind) }).toMatchObject({
        seed,
        ok: false,
        kinds: expect.arrayContaining([finds]),
      })
      expect(violations.every(({ witness }) => witness.length <= 20)).toBe(true)
      if (spoilt === ENOUGH) break
    }
    expect(spoilt).toBeGreaterThanOrEqual(LEAST)
  })
})

/** However wide the allowances of a run are. */
const SAFETY = new Set(['L1', 'L2', 'L3', 'L4', 'L6', 'L8', 'L9', 'L11', 'L13', 'L15'])
const generous = (lines: readonly Line[]): Line[] => [
  ...lines,
  { type: 'stall', start: 0, stop: 1e15 },
  { type: 'nemesis', fault: 'any', target: 'all', start: 0, stop: 1e15, suspends: ['L7', 'L10'] },
]

describe('No stall and no fault hides that a system', () => {
  const safety = Object.entries(MUTATORS).filter(([, { finds }]) => SAFETY.has(KINDS[finds].invariant))
  it.each(safety)('%s', (_name, { spoil, finds }) => {
    const seed = SEEDS.find((each) => spoil(linesOf(each), new Chance(each)) !== null) ?? 0
    const lines = spoil(linesOf(seed), new Chance(seed)) ?? []
    const { violations } = checkHistory(historyOf(generous(lines)))
    expect(violations.map(({ kind }) => kind)).toContain(finds)
  })
})

it('has a mutator for every kind of violation', () => {
  const found = new Set(Object.values(MUTATORS).map(({ finds }) => finds))
  expect(Object.keys(KINDS).filter((kind) => ![...found].some((some) => some === kind))).toEqual([])
})
