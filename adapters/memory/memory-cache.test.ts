import { describe, expect, it } from 'vitest'
import { MemoryCache } from './memory-cache.js'
import { MemoryClock } from './memory-clock.js'

const TTL_MS = 60_000

const values = async (cache: MemoryCache, keys: readonly string[]) =>
  (await Promise.all(keys.map((key) => cache.get<string>(key, 0)))).map((cached) => cached?.value ?? null)

describe('MemoryCache', () => {
  it('makes room for the new by what was used least recently', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) await cache.put(key, 1, key, TTL_MS)
    await cache.get('a', 0)
    await cache.put('d', 1, 'd', TTL_MS)
    expect(await values(cache, ['a', 'b', 'c', 'd'])).toEqual(['a', null, 'c', 'd'])
    expect(cache.stats()).toMatchObject({ entries: 3, evictions: 1 })
  })

  it('goes by use and not by name, also for keys that are numbers', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 2 })
    for (const key of ['9', '1', '5']) await cache.put(key, 1, key, TTL_MS)
    expect(await values(cache, ['9', '1', '5'])).toEqual([null, '1', '5'])
  })

  it('overwrites an entry while it is full, and evicts none for it', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxEntries: 2 })
    for (const key of ['a', 'b']) await cache.put(key, 1, key, TTL_MS)
    await cache.put('a', 2, 'new', TTL_MS)
    expect(await values(cache, ['a', 'b'])).toEqual(['new', 'b'])
    expect(cache.stats()).toMatchObject({ entries: 2, evictions: 0, fills: 3 })
  })

  it('holds no more bytes than it may, and refuses what is larger than all of it', async () => {
    const cache = new MemoryCache(new MemoryClock(), { maxBytes: 10_000 })
    for (let key = 0; key < 100; key += 1) await cache.put(`key ${key}`, 1, 'x'.repeat(1_000), TTL_MS)
    const { bytes, entries } = cache.stats()
    expect(bytes).toBeLessThanOrEqual(10_000)
    expect(entries).toBe(4)
    await cache.put('huge', 1, 'x'.repeat(10_000), TTL_MS)
    expect(await values(cache, ['huge', 'key 99'])).toEqual([null, 'x'.repeat(1_000)])
  })

  it('gives all bytes back when everything is dropped or has expired', async () => {
    const clock = new MemoryClock()
    const cache = new MemoryCache(clock)
    await cache.put('room:1', 1, { list: ['a', { b: 1 }] }, TTL_MS)
    await cache.put('room:1', 2, { list: [] }, TTL_MS)
    await cache.put('room:2', 1, 'text', TTL_MS)
    await cache.drop('room:1')
    await clock.advance(2 * TTL_MS)
    await cache.get('room:2', 0)
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('hands out the value itself, frozen all the way down', async () => {
    const cache = new MemoryCache(new MemoryClock())
    const value = { messages: [{ text: 'hello' }] }
    await cache.put('key', 1, value, TTL_MS)
    const cached = await cache.get<typeof value>('key', 0)
    expect(cached?.value).toBe(value)
    expect(() => Object.assign(value.messages[0] ?? {}, { text: 'changed' })).toThrow(TypeError)
    expect(() => value.messages.push({ text: 'more' })).toThrow(TypeError)
  })

  it('does not keep what stays mutable whatever one does', async () => {
    const cache = new MemoryCache(new MemoryClock())
    for (const value of [new Map(), new Date(), new Uint8Array(3), { nested: new Set() }])
      await cache.put('key', 1, value, TTL_MS)
    expect(await cache.get('key', 0)).toBeNull()
    expect(cache.stats()).toMatchObject({ entries: 0, fills: 0, bytes: 0 })
  })

  it.each([
    ['shortest', 0, 54_000],
    ['longest', 1 - Number.EPSILON, 66_000],
  ])('spreads lifetimes by a tenth: the %s', async (_name, random, lifetimeMs) => {
    const clock = new MemoryClock()
    const cache = new MemoryCache(clock, { random: () => random })
    await cache.put('key', 1, 'value', TTL_MS)
    await clock.advance(lifetimeMs - 1)
    expect(await values(cache, ['key'])).toEqual(['value'])
    await clock.advance(1)
    expect(await values(cache, ['key'])).toEqual([null])
  })

  it('counts hits, misses, refused stale entries and fills', async () => {
    const cache = new MemoryCache(new MemoryClock())
    await cache.get('key', 0)
    await cache.put('key', 5, 'value', TTL_MS)
    await cache.put('key', 4, 'late', TTL_MS)
    await cache.get('key', 5)
    await cache.get('key', 6)
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, staleRefused: 1, fills: 1, entries: 1 })
  })
})
