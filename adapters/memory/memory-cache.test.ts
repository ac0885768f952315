import { describe, expect, it } from 'vitest'
import { MemoryCache } from './memory-cache.js'
import { MemoryClock } from './memory-clock.js'

const TTL_MS = 60_000

const values = async (cache: MemoryCache, keys: readonly string[]) =>
  (await Promise.all(keys.map((key) => cache.get<string>(key, 0)))).map((cached) => cached?.value ?? null)

describe('MemoryCache', () => {
  it('makes room for the new by what was used least recently', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 3 })
    for (const key of ['test:a', 'test:b', 'test:c']) await cache.put(key, 1, key, TTL_MS)
    await cache.get('test:a', 0)
    await cache.put('test:d', 1, 'd', TTL_MS)
    expect(await values(cache, ['test:a', 'test:b', 'test:c', 'test:d'])).toEqual([
      'test:a',
      null,
      'test:c',
      'd',
    ])
    expect(cache.stats('test')).toMatchObject({ entries: 3, evictions: 1 })
  })

  it('goes by use and not by name, also for keys that are numbers', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 2 })
    for (const key of ['9', '1', '5']) await cache.put(key, 1, key, TTL_MS)
    expect(await values(cache, ['9', '1', '5'])).toEqual([null, '1', '5'])
  })

  it('overwrites an entry while it is full, and evicts none for it', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 2 })
    for (const key of ['test:a', 'test:b']) await cache.put(key, 1, key, TTL_MS)
    await cache.put('test:a', 2, 'new', TTL_MS)
    expect(await values(cache, ['test:a', 'test:b'])).toEqual(['new', 'test:b'])
    expect(cache.stats('test')).toMatchObject({ entries: 2, evictions: 0, fills: 3 })
  })

  it('holds no more bytes than it may, and refuses what is larger than all of it', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxBytes: 10_000 })
    for (let key = 0; key < 100; key += 1) await cache.put(`test:key ${key}`, 1, 'x'.repeat(1_000), TTL_MS)
    const { bytes, entries } = cache.stats('test')
    expect(bytes).toBeLessThanOrEqual(10_000)
    expect(entries).toBe(4)
    await cache.put('test:huge', 1, 'x'.repeat(10_000), TTL_MS)
    expect(await values(cache, ['test:huge', 'test:key 99'])).toEqual([null, 'x'.repeat(1_000)])
  })

  it('gives all bytes back when everything is dropped or has expired', async () => {
    const clock = new MemoryClock()
    const cache = new MemoryCache(clock)
    await cache.put('test:room:1', 1, { list: ['a', { b: 1 }] }, TTL_MS)
    await cache.put('test:room:1', 2, { list: [] }, TTL_MS)
    await cache.put('test:room:2', 1, 'text', TTL_MS)
    await cache.drop('test:room:1')
    await clock.advance(2 * TTL_MS)
    await cache.get('test:room:2', 0)
    expect(cache.stats('test')).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('gives back what has expired though nobody asks for it again', async () => {
    const clock = new MemoryClock()
    const cache = new MemoryCache(clock)
    for (const key of ['a', 'b', 'c']) await cache.put(`test:${key}`, 1, key, TTL_MS)
    await clock.advance(2 * TTL_MS)
    await cache.put('test:d', 1, 'd', TTL_MS)
    expect(cache.stats('test')).toMatchObject({ entries: 1, evictions: 0 })
    expect(await values(cache, ['test:a', 'test:d'])).toEqual([null, 'd'])
  })

  it('hands out the value itself, frozen all the way down', async () => {
    const cache = new MemoryCache(new MemoryClock())
    const value = { messages: [{ text: 'hello' }] }
    await cache.put('test:key', 1, value, TTL_MS)
    const cached = await cache.get<typeof value>('test:key', 0)
    expect(cached?.value).toBe(value)
    expect(() => Object.assign(value.messages[0] ?? {}, { text: 'changed' })).toThrow(TypeError)
    expect(() => value.messages.push({ text: 'more' })).toThrow(TypeError)
  })

  it('does not keep what stays mutable whatever one does', async () => {
    const cache = new MemoryCache(new MemoryClock())
    for (const value of [new Map(), new Date(), new Uint8Array(3), { nested: new Set() }])
      await cache.put('test:key', 1, value, TTL_MS)
    expect(await cache.get('test:key', 0)).toBeNull()
    expect(cache.stats('test')).toMatchObject({ entries: 0, fills: 0, bytes: 0 })
  })

  it.each([
    ['shortest', 0, 54_000],
    ['longest', 1 - Number.EPSILON, 66_000],
  ])('spreads lifetimes by a tenth: the %s', async (_name, random, lifetimeMs) => {
    const clock = new MemoryClock()
    const cache = new MemoryCache(clock, { random: () => random })
    await cache.put('test:key', 1, 'value', TTL_MS)
    await clock.advance(lifetimeMs - 1)
    expect(await values(cache, ['test:key'])).toEqual(['value'])
    await clock.advance(1)
    expect(await values(cache, ['test:key'])).toEqual([null])
  })

  it('counts hits, misses, refused stale entries and fills', async () => {
    const cache = new MemoryCache(new MemoryClock())
    await cache.get('test:key', 0)
    await cache.put('test:key', 5, 'value', TTL_MS)
    await cache.put('test:key', 4, 'late', TTL_MS)
    await cache.get('test:key', 5)
    await cache.get('test:key', 6)
    expect(cache.stats('test')).toMatchObject({ hits: 1, misses: 1, staleRefused: 1, fills: 1, entries: 1 })
  })

  it('counts each of the caches that share it by itself', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 2 })
    await cache.put('one:a', 1, 'value', TTL_MS)
    await cache.put('other:a', 1, 'value', TTL_MS)
    await cache.put('other:b', 1, 'value', TTL_MS)
    await cache.get('other:b', 1)
    const [one, other] = [cache.stats('one'), cache.stats('other')]
    expect(one).toMatchObject({ hits: 0, fills: 1, evictions: 1, entries: 0, bytes: 0 })
    expect(other).toMatchObject({ hits: 1, fills: 2, evictions: 0, entries: 2 })
    expect(cache.stats('none')).toMatchObject({ hits: 0, entries: 0 })
  })
})
