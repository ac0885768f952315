import { describe, expect, it } from 'vitest'
import { GatheredCalls, type GatherOptions } from './gathered-calls.js'

type Item = { readonly key: string; readonly value: number }

const OPTIONS = {
  port: 'TestPort',
  maxBatch: 3,
  maxWaiting: 10,
  deadlineMs: 1_000,
  keyOf: (item: Item) => item.key,
}

/** Runs nothing until it is let go. */
function held(options: GatherOptions<Item> = OPTIONS) {
  const batches: (readonly Item[])[] = []
  const gates: PromiseWithResolvers[] = []
  const calls = new GatheredCalls<Item, number>(async (items) => {
    batches.push(items)
    await new Promise<void>((resolve, reject) => gates.push({ resolve, reject }))
    return items.map(({ value }) => value * 10)
  }, options)
  return { calls, batches, gates }
}

type PromiseWithResolvers = { readonly resolve: () => void; readonly reject: (error: Error) => void }

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('GatheredCalls', () => {
  it('runs the calls of a tick together, and those that come meanwhile as the next batch', async () => {
    const { calls, batches, gates } = held()
    const first = [1, 2].map((value) => calls.call({ key: `${value}`, value }))
    await turn()
    const second = [3, 4].map((value) => calls.call({ key: `${value}`, value }))
    await turn()
    expect(batches.map((batch) => batch.map(({ value }) => value))).toEqual([[1, 2]])
    gates[0]?.resolve()
    expect(await Promise.all(first)).toEqual([10, 20])
    await turn()
    gates[1]?.resolve()
    expect(await Promise.all(second)).toEqual([30, 40])
  })

  it('begins a batch no sooner than its spacing after the one before, and after a pause at once', async () => {
    const begunMs: number[] = []
    const calls = new GatheredCalls<Item, number>(
      async (items) => {
        begunMs.push(performance.now())
        return items.map(({ value }) => value)
      },
      { ...OPTIONS, spacingMs: () => 60 },
    )
    const item = { key: 'a', value: 1 }
    await calls.call(item)
    await Promise.all([calls.call(item), calls.call({ key: 'b', value: 2 })])
    const [first = 0, second = 0, ...more] = begunMs
    expect(more).toEqual([])
    expect(second - first).toBeGreaterThanOrEqual(59)
    await new Promise((resolve) => setTimeout(resolve, 70))
    const calledMs = performance.now()
    await calls.call(item)
    expect((begunMs[2] ?? 0) - calledMs).toBeLessThan(50)
  })

  it('keeps the calls of one key in order and in batches of their own, and batches within their size', async () => {
    const { calls, batches, gates } = held()
    const items = ['a', 'a', 'b', 'c', 'd', 'a'].map((key, value) => ({ key, value }))
    const answers = Promise.all(items.map((item) => calls.call(item)))
    for (let batch = 0; batch < 3; batch += 1) {
      await turn()
      gates[batch]?.resolve()
    }
    expect(await answers).toEqual([0, 10, 20, 30, 40, 50])
    expect(batches.map((batch) => batch.map(({ value }) => value))).toEqual([[0, 2, 3], [1, 4], [5]])
  })

  it('lets calls of one key share a batch where they may, and none overtake one that may not', async () => {
    const mayShare = (first: Item, later: Item) => first.value === later.value
    const { calls, batches, gates } = held({ ...OPTIONS, maxBatch: 4, mayShare })
    const items = [7, 7, 8, 7, 8].map((value) => ({ key: 'a', value }))
    const answers = Promise.all(items.map((item) => calls.call(item)))
    for (let batch = 0; batch < 4; batch += 1) {
      await turn()
      gates[batch]?.resolve()
    }
    expect(await answers).toEqual([70, 70, 80, 70, 80])
    expect(batches.map((batch) => batch.map(({ value }) => value))).toEqual([[7, 7], [8], [7], [8]])
  })

  it('fails all calls of a batch that failed, and goes on with the next', async () => {
    const { calls, gates } = held()
    const failing = [calls.call({ key: 'a', value: 1 }), calls.call({ key: 'b', value: 2 })]
    const next = calls.call({ key: 'a', value: 3 })
    const outcomes = Promise.allSettled(failing)
    await turn()
    gates[0]?.reject(new Error('gone'))
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await turn()
    gates[1]?.resolve()
    expect(await next).toBe(30)
  })

  it('refuses at once what may not wait', async () => {
    const { calls, gates } = held({ ...OPTIONS, maxWaiting: 2, maxBatch: 10 })
    const taken = [calls.call({ key: 'a', value: 1 }), calls.call({ key: 'b', value: 2 })]
    await expect(calls.call({ key: 'c', value: 3 })).rejects.toMatchObject({
      name: 'PortUnavailable',
      port: 'TestPort',
    })
    await turn()
    gates[0]?.resolve()
    expect(await Promise.all(taken)).toEqual([10, 20])
  })

  it('refuses what waits or runs for longer than its deadline, and does not run what it refused', async () => {
    const { calls, batches, gates } = held({ ...OPTIONS, maxWaiting: 2, maxBatch: 1, deadlineMs: 60 })
    const item = (value: number) => ({ key: `${value}`, value })
    const startedMs = performance.now()
    const running = calls.call(item(1))
    await turn()
    const outcomes = Promise.allSettled([running, calls.call(item(2)), calls.call(item(3))])
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { name: 'PortUnavailable', port: 'TestPort' },
      })
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeGreaterThanOrEqual(60)
    expect(tookMs).toBeLessThan(500)
    // There is room again for others, which run once what hangs has ended.
    const later = Promise.all([calls.call(item(4)), calls.call(item(5))])
    for (let batch = 0; batch < 3; batch += 1) {
      gates[batch]?.resolve()
      await turn()
      await turn()
    }
    expect(await later).toEqual([40, 50])
    expect(batches.map((batch) => batch.map(({ value }) => value))).toEqual([[1], [4], [5]])
  })

  it('goes on after all that waited for its spacing was refused', async () => {
    const { calls, batches, gates } = held({ ...OPTIONS, deadlineMs: 30, spacingMs: () => 90 })
    const first = calls.call({ key: 'a', value: 1 })
    await turn()
    gates[0]?.resolve()
    expect(await first).toBe(10)
    await expect(calls.call({ key: 'b', value: 2 })).rejects.toMatchObject({ name: 'PortUnavailable' })
    await new Promise((resolve) => setTimeout(resolve, 70))
    expect(batches).toHaveLength(1)
    const second = calls.call({ key: 'c', value: 3 })
    await turn()
    gates[1]?.resolve()
    expect(await second).toBe(30)
  })
})
