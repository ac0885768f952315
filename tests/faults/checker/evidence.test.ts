import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import type { Invariant, Line } from './history.js'
import { historyOf } from './history-file.js'
import { modelLines } from './model/model-history.js'

const outcomeOf = (lines: readonly Line[], invariant: Invariant) =>
  checkHistory(historyOf(lines)).verdicts.find((verdict) => verdict.invariant === invariant)?.outcome
const suspended = (suspends: 'L7' | 'L10'): Line => ({
  type: 'nemesis',
  fault: 'any',
  target: 'all',
  start: 0,
  stop: 1e15,
  suspends: [suspends],
})
const refusedWith = (code: string) => (line: Line) => line.type === 'fail' && line.code === code

/** In a system that does everything right, so that only the evidence is missing. */
describe('Nothing is said to hold', () => {
  const lines = modelLines(1)

  it('of L8 where nobody outside was refused anything', () => {
    expect(outcomeOf(lines, 'L8')).toBe('holds')
    const untried = lines.filter((line) => !refusedWith('NOT_FOUND')(line))
    expect(outcomeOf(untried, 'L8')).toBe('unchecked')
  })

  it('of L9 where no ended login was refused anything', () => {
    expect(outcomeOf(lines, 'L9')).toBe('holds')
    const untried = lines.filter((line) => !refusedWith('UNAUTHENTICATED')(line))
    expect(outcomeOf(untried, 'L9')).toBe('unchecked')
  })

  it('of L7 and L10 where a fault put their bounds off to the end', () => {
    for (const invariant of ['L7', 'L10'] as const) {
      expect(outcomeOf(lines, invariant)).toBe('holds')
      expect(outcomeOf([...lines, suspended(invariant)], invariant)).toBe('unchecked')
    }
  })
})
