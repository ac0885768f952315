import { describe, expect, it } from 'vitest'
import { batchSize } from './batch-size.js'

describe('the size of a batch', () => {
  it('is small at first, and while commits are quick', () => {
    expect(batchSize({ writes: 0, tookMs: 0 })).toBe(200)
    expect(batchSize({ writes: 100, tookMs: 15 })).toBe(200)
    expect(batchSize({ writes: 200, tookMs: 75 })).toBe(200)
  })

  it('is large where a commit by itself takes long, whatever it holds', () => {
    expect(batchSize({ writes: 1, tookMs: 100 })).toBe(500)
    expect(batchSize({ writes: 100, tookMs: 120 })).toBe(500)
    expect(batchSize({ writes: 500, tookMs: 175 })).toBe(500)
  })

  it('is small again after a large batch that took no longer than its writes do', () => {
    expect(batchSize({ writes: 500, tookMs: 75 })).toBe(200)
  })
})
