import { describe, expect, it } from 'vitest'
import { HeldClock } from '../../tests/contracts/held-clock.js'
import { SharedLoads } from './shared-loads.js'

/** A store whose version moves on, and whose loads end when they are told to. */
class Store {
  version = 1
  readonly ends: (() => void)[] = []

  /** Answers the version of the moment when it begins. */
  readonly load = (): Promise<number> => {
    const { version } = this
    return new Promise((resolve) => this.ends.push(() => resolve(version)))
  }
}

const KEPT_MS = 1_000

function opened(maxKept = 2) {
  const clock = new HeldClock()
  const loads = new SharedLoads<number>(clock, { versionOf: (version) => version, keptMs: KEPT_MS, maxKept })
  return { clock, loads, store: new Store() }
}

const aMoment = () => new Promise((resolve) => setImmediate(resolve))

describe('shared loads', () => {
  it('load once for a thousand who come together', async () => {
    const { loads, store } = opened()
    const crowd = Array.from({ length: 1_000 }, () => loads.read('key', 1, store.load))
    await aMoment()
    expect(store.ends).toHaveLength(1)
    store.ends[0]?.()
    expect(new Set(await Promise.all(crowd))).toEqual(new Set([1]))
  })

  it('load once more for all who know of a newer version than a load under way answers', async () => {
    const { loads, store } = opened()
    const early = loads.read('key', 1, store.load)
    await aMoment()
    store.version = 2
    const late = Array.from({ length: 500 }, () => loads.read('key', 2, store.load))
    store.ends[0]?.()
    expect(await early).toBe(1)
    await aMoment()
    expect(store.ends).toHaveLength(2)
    store.ends[1]?.()
    expect(new Set(await Promise.all(late))).toEqual(new Set([2]))
  })

  it('answer what was loaded to whoever comes later, unless they know of a newer version', async () => {
    const { loads, store } = opened()
    const first = loads.read('key', 1, store.load)
    await aMoment()
    store.ends[0]?.()
    await first
    expect(await loads.read('key', 1, store.load)).toBe(1)
    expect(store.ends).toHaveLength(1)
    store.version = 2
    const newer = loads.read('key', 2, store.load)
    await aMoment()
    store.ends[1]?.()
    expect(await newer).toBe(2)
  })

  it('keep a value for a while, and not more of them than they may', async () => {
    const { clock, loads, store } = opened(2)
    const read = async (key: string) => {
      const before = store.ends.length
      const reading = loads.read(key, 1, store.load)
      await aMoment()
      store.ends[before]?.()
      await reading
      return store.ends.length - before
    }
    expect([await read('a'), await read('b'), await read('a')]).toEqual([1, 1, 0])
    expect([await read('c'), await read('b'), await read('a')]).toEqual([1, 0, 1])
    clock.pass(KEPT_MS)
    expect([await read('c'), await read('a')]).toEqual([1, 1])
  })

  it('fail those who waited for a load that fails, and begin anew for the next', async () => {
    const { loads, store } = opened()
    const fails = () => Promise.reject(new Error('gone'))
    const waiting = [loads.read('key', 1, fails), loads.read('key', 1, store.load)]
    for (const result of await Promise.allSettled(waiting)) expect(result.status).toBe('rejected')
    const next = loads.read('key', 1, store.load)
    await aMoment()
    store.ends[0]?.()
    expect(await next).toBe(1)
  })
})
