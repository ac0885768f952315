import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeenIds } from './seen-ids.js'

const WINDOW = 2_048

describe('SeenIds', () => {
  it('takes each number once, in whatever order, and none that is far behind', () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 2 ** 31 - 3_000, max: 2 ** 32 + 3_000 }),
      ),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(steps, (numbers) => {
        const seen = new SeenIds()
        const taken = new Set<number>()
        let highest = 0
        for (const number of numbers) {
          const isNew = number > highest - WINDOW && !taken.has(number)
          expect(seen.add('a', number)).toBe(isNew)
          taken.add(number)
          highest = Math.max(highest, number)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes each of a long run once', () => {
    const seen = new SeenIds()
    for (let number = 1; number <= 100; number += 1) seen.add('a', number)
    for (let number = 101; number <= 20_000; number += 1)
      expect([seen.add('a', number), seen.add('a', number), seen.add('a', number - 100)]).toEqual([
        true,
        false,
        false,
      ])
  })

  it('keeps origins apart, and forgets who said nothing for longest', () => {
    const seen = new SeenIds()
    expect([seen.add('a', 1), seen.add('b', 1), seen.add('a', 1)]).toEqual([true, true, false])
    for (let other = 0; other < 255; other += 1) seen.add(`other ${other}`, 1)
    expect([seen.add('a', 1), seen.add('b', 1)]).toEqual([false, true])
  })
})
