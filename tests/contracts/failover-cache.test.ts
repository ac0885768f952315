import { describe, expect, it } from 'vitest'
import { FailoverCache, type SharedCache } from '../../adapters/failover/index.js'
import { MemoryCache, MemoryClock } from '../../adapters/memory/index.js'

const LONG_MS = 60_000
const WELL = { isUp: () => true, sinceMs: 0, switches: 1, onChange: () => () => undefined }

/** A process's cache on a shared one that drops when it is told to. */
function slowlyDropping() {
  const clock = new MemoryClock()
  const others = new MemoryCache(clock)
  const dropping: (() => void)[] = []
  const lookUps: string[] = []
  const shared: SharedCache = {
    get: (key, minVersion) => others.get(key, minVersion),
    put: (key, version, value, ttlMs) => others.put(key, version, value, ttlMs),
    drop: (scope) => new Promise((resolve) => dropping.push(() => void others.drop(scope).then(resolve))),
    async lookUp<T>(key: string, minVersion: number) {
      lookUps.push(key)
      const cached = await others.get<T>(key, minVersion)
      return cached === null ? null : { cached, leftMs: LONG_MS }
    },
  }
  const finishDropping = async () => {
    for (const finish of dropping.splice(0)) finish()
    await clock.advance(0)
  }
  const cache = new FailoverCache(shared, new MemoryCache(clock), WELL)
  return { cache, others, lookUps, finishDropping }
}

describe('a cache in two tiers', () => {
  it('lets nobody wait for the shared one to drop, and serves nothing from there that it is to drop', async () => {
    const { cache, others, finishDropping } = slowlyDropping()
    for (const key of ['page:1:a', 'page:2:a']) await others.put(key, 1, key, LONG_MS)
    await cache.drop('page:1:')
    await cache.drop('page:1:')
    expect(await cache.get('page:1:a', 0)).toBeNull()
    expect((await cache.get('page:2:a', 0))?.value).toBe('page:2:a')
    await finishDropping()
    await others.put('page:1:a', 2, 'new', LONG_MS)
    expect((await cache.get('page:1:a', 0))?.value).toBe('new')
  })

  it('asks the shared one once for a thousand who want the same, and gives nobody less than they know of', async () => {
    const { cache, others, lookUps } = slowlyDropping()
    await others.put('page:1:a', 7, 'seven', LONG_MS)
    const wanted = Array.from({ length: 1_000 }, (_, turn) => cache.get('page:1:a', turn % 2 === 0 ? 7 : 8))
    const found = await Promise.all(wanted)
    expect(lookUps).toEqual(['page:1:a'])
    expect(found.map((cached) => cached?.value ?? null)).toEqual(
      found.map((_, turn) => (turn % 2 === 0 ? 'seven' : null)),
    )
    await others.put('page:1:a', 9, 'nine', LONG_MS)
    expect((await cache.get('page:1:a', 8))?.value).toBe('nine')
  })

  it('keeps no more than a few scopes in mind, as versions alone are to be trusted', async () => {
    const { cache, others } = slowlyDropping()
    await others.put('last:', 1, 'value', LONG_MS)
    for (let scope = 0; scope < 1_000; scope += 1) await cache.drop(`page:${scope}:`)
    await cache.drop('last:')
    expect((await cache.get('last:', 0))?.value).toBe('value')
  })
})
