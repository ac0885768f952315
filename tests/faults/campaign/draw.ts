import { createHash } from 'node:crypto'
import { seededRandom } from '../../../adapters/memory/index.js'

/** Chance that can be had again: the same seed and the same purpose draw the same, whatever else is drawn meanwhile. */
export interface Draw {
  /** Uniform, 0 to below 1. */
  chance(): number
  /** A whole number, `min` to `max`, both included. */
  between(min: number, max: number): number
  pick<T>(from: readonly T[]): T
  /** An index by weight; the weights need not add up to anything. */
  weighted(weights: readonly number[]): number
  shuffled<T>(from: readonly T[]): T[]
}

export function drawFor(seed: number, purpose: string): Draw {
  const next = seededRandom(createHash('sha256').update(`${seed} ${purpose}`).digest().readUInt32LE())
  const chance = () => next() / 2 ** 32
  const below = (count: number) => Math.floor(chance() * count)
  return {
    chance,
    between: (min, max) => min + below(max - min + 1),
    pick<T>(from: readonly T[]): T {
      if (from.length === 0) throw new Error('nothing to pick from')
      return from[below(from.length)] as T
    },
    weighted(weights) {
      let left = chance() * weights.reduce((sum, weight) => sum + weight, 0)
      const found = weights.findIndex((weight) => {
        left -= weight
        return left < 0
      })
      return found === -1 ? weights.length - 1 : found
    },
    shuffled<T>(from: readonly T[]): T[] {
      const mixed = [...from]
      for (let last = mixed.length - 1; last > 0; last -= 1) {
        const other = below(last + 1)
        const kept = mixed[last] as T
        mixed[last] = mixed[other] as T
        mixed[other] = kept
      }
      return mixed
    },
  }
}
