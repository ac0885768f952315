import { describe, expect, it } from 'vitest'
import { drawFor } from './draw.js'

const some = (seed: number, purpose: string) => {
  const draw = drawFor(seed, purpose)
  return Array.from({ length: 20 }, () => draw.between(0, 1_000_000))
}

describe('a draw', () => {
  it('is the same for the same seed and purpose, and another one for any other', () => {
    expect(some(7, 'rooms')).toEqual(some(7, 'rooms'))
    expect(some(7, 'rooms')).not.toEqual(some(8, 'rooms'))
    expect(some(7, 'rooms')).not.toEqual(some(7, 'schedule'))
  })

  it('follows the weights, and never takes what weighs nothing', () => {
    const draw = drawFor(1, 'weights')
    const counts = [0, 0, 0]
    for (let drawn = 0; drawn < 3_000; drawn += 1) {
      const index = draw.weighted([1, 0, 3])
      counts[index] = (counts[index] ?? 0) + 1
    }
    expect(counts[1]).toBe(0)
    expect((counts[2] ?? 0) / (counts[0] ?? 0)).toBeGreaterThan(2.5)
    expect((counts[2] ?? 0) / (counts[0] ?? 0)).toBeLessThan(3.5)
  })

  it('shuffles without losing or repeating anything', () => {
    const shuffled = drawFor(3, 'order').shuffled(Array.from({ length: 50 }, (_, index) => index))
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(shuffled).not.toEqual(shuffled.toSorted((a, b) => a - b))
  })
})
