import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Coalescer } from './coalescer.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const collect = () => {
  const passed: [string, number][] = []
  const coalescer = new Coalescer<number>(
    1_000,
    (_older, newer) => newer,
    (batch) => void passed.push(...batch),
  )
  return { passed, coalescer }
}

describe('Coalescer', () => {
  it('passes the first value of a key on at once', () => {
    const { passed, coalescer } = collect()
    coalescer.offer('a', 1)
    vi.advanceTimersByTime(50)
    expect(passed).toEqual([['a', 1]])
  })

  it('passes on at most one value of a key an interval, and the newest of them (input G6)', () => {
    const { passed, coalescer } = collect()
    for (let turn = 1; turn <= 1_000; turn += 1) {
      coalescer.offer('a', turn)
      vi.advanceTimersByTime(3)
    }
    vi.advanceTimersByTime(2_000)
    expect(passed.length).toBeLessThanOrEqual(5)
    expect(passed.at(-1)).toEqual(['a', 1_000])
  })

  it('keeps keys apart', () => {
    const { passed, coalescer } = collect()
    coalescer.offer('a', 1)
    coalescer.offer('b', 2)
    vi.advanceTimersByTime(50)
    expect(passed).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('holds nothing and runs no timer once all keys are quiet', () => {
    const { coalescer } = collect()
    coalescer.offer('a', 1)
    vi.advanceTimersByTime(3_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes nothing on after it was closed', () => {
    const { passed, coalescer } = collect()
    coalescer.offer('a', 1)
    coalescer.close()
    vi.advanceTimersByTime(3_000)
    expect(passed).toEqual([])
  })

  it('begins the interval after what was passed on is done, and passes nothing on meanwhile', async () => {
    const passed: number[] = []
    let done: () => void = () => undefined
    const coalescer = new Coalescer<number>(
      1_000,
      (_older, newer) => newer,
      (batch) => {
        passed.push(...batch.values())
        return new Promise((resolve) => {
          done = resolve
        })
      },
    )
    coalescer.offer('a', 1)
    vi.advanceTimersByTime(50)
    coalescer.offer('a', 2)
    coalescer.offer('b', 3)
    vi.advanceTimersByTime(5_000)
    expect(passed).toEqual([1])
    done()
    await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(50)
    expect(passed).toEqual([1, 3])
    done()
    await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(900)
    expect(passed).toEqual([1, 3])
    vi.advanceTimersByTime(100)
    expect(passed).toEqual([1, 3, 2])
  })
})
