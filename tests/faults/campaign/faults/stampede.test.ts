import { expect, it } from 'vitest'
import { judgeLoads } from './stampede.js'

const violations = (areShared: boolean, ...counts: number[]) =>
  judgeLoads(
    counts.map((count, index) => ({ at: `i${index + 1}`, count })),
    areShared,
  ).violations

it('lets each instance load the page of a stampede once, or again for those who know of a newer one', () => {
  expect(violations(false, 1, 2)).toEqual([])
  expect(violations(false, 1, 3)).toEqual(['3 by i2, instead of 1 to 2'])
  expect(violations(false, 0, 1)).toEqual(['0 by i1, instead of 1 to 2'])
})

it('lets an instance have the page from Redis, and not all of them', () => {
  expect(violations(true, 0, 1)).toEqual([])
  expect(violations(true, 0, 3)).toEqual(['3 by i2, instead of 0 to 2'])
  expect(violations(true, 0, 0)).toEqual(['none by any'])
})
