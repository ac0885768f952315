import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import { INVARIANTS } from './history.js'
import { historyOf } from './history-file.js'
import { modelHistory } from './model/model-history.js'
import { reportOn } from './report.js'

const alarmsOf = (seed: number): string[] => {
  const { violations, verdicts } = checkHistory(modelHistory(seed))
  const unchecked = verdicts.filter(({ outcome }) => outcome === 'unchecked')
  return [
    ...violations.map(({ kind, what }) => `seed ${seed}: ${kind} ${what}`),
    ...unchecked.map(({ invariant }) => `seed ${seed}: ${invariant} was not checked`),
  ]
}

describe('The checker', () => {
  it('gives no alarm over 60 histories of a perfect system, and checks every invariant in each', () => {
    expect(Array.from({ length: 60 }, (_, at) => alarmsOf(at + 1)).flat()).toEqual([])
  })

  it('looks at every step in each of them', () => {
    for (const seed of [1, 2, 3]) {
      const { checkedBySteps } = checkHistory(modelHistory(seed))
      for (const step of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        expect([...(checkedBySteps.get(step)?.values() ?? [])].every((count) => count > 0)).toBe(true)
      expect(checkedBySteps.size).toBe(11)
    }
  })

  it('does not accept a history in which there was nothing to check', () => {
    const header = { type: 'header', run: 'empty', seed: 1, configuration: {}, instances: [] } as const
    const empty = checkHistory(historyOf([header]))
    expect(empty.ok).toBe(false)
    expect(empty.verdicts.map(({ outcome }) => outcome)).toEqual(INVARIANTS.map(() => 'unchecked'))
    const excused = historyOf([{ ...header, outOfScope: { L16: 'no model is asked' } }])
    expect(checkHistory(excused).verdicts.at(-1)).toMatchObject({ outcome: 'out of scope' })
    expect(checkHistory(excused).ok).toBe(false)
  })

  it('reports the verdict, the counts and what users felt', () => {
    const history = modelHistory(3)
    const report = reportOn(history, checkHistory(history)).join('\n')
    expect(report).toContain('run model, seed 3: no violation')
    expect(report).toMatch(/\| L1 \| holds \| [1-9]/)
    expect(report).toMatch(/\| L16 \| not checked: no model is asked \| 0 \|/)
    expect(report).toMatch(/\| during \| [1-9]/)
  })
})
