import { describe, expect, it } from 'vitest'
import { FailoverCache, type SharedCache } from '../../adapters/failover/index.js'
import { MemoryCache, MemoryClock } from '../../adapters/memory/index.js'

const LONG_MS = 60_000

/** Of a shared cache that is there, until it is told otherwise. */
class Health {
  readonly sinceMs = 0
  readonly switches = 1
  private isThere = true
  private readonly listeners: (() => void)[] = []

  isUp(): boolean {
    return this.isThere
  }

  onChange(listener: () => void): () => void {
    this.listeners.push(listener)
    return () => undefined
  }

  become(isThere: boolean): void {
    this.isThere = isThere
    for (const listener of this.listeners) listener()
  }
}

/** A process's cache on a shared one that drops when it is told to. */
function slowlyDropping() {
  const clock = new MemoryClock()
  const others = new MemoryCache(clock)
  const dropping: (() => void)[] = []
  const lookUps: string[] = []
  const health = new Health()
  const state = { leftMs: LONG_MS, fails: false }
  const shared: SharedCache = {
    get: (key, minVersion) => others.get(key, minVersion),
    put: (key, version, value, ttlMs) => others.put(key, version, value, ttlMs),
    drop: (scope) => others.drop(scope),
    tryDrop: (scope) =>
      new Promise((resolve) => {
        const isDropped = !state.fails
        dropping.push(() => void (isDropped ? others.drop(scope) : health.become(false)))
        dropping.push(() => resolve(isDropped))
      }),
    async lookUp<T>(key: string, minVersion: number) {
      lookUps.push(key)
      const cached = await others.get<T>(key, minVersion)
      return cached === null ? null : { cached, leftMs: state.leftMs }
    },
  }
  const finishDropping = async () => {
    while (dropping.length > 0) {
      for (const finish of dropping.splice(0)) finish()
      await clock.advance(0)
    }
  }
  const memory = new MemoryCache(clock, { random: () => 0.999 })
  const cache = new FailoverCache(shared, memory, health)
  return { cache, clock, others, lookUps, health, state, finishDropping }
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

  it('drops from the shared one what it could not drop while that was away', async () => {
    const { cache, others, health, finishDropping } = slowlyDropping()
    for (const key of ['page:1:a', 'page:2:a', 'page:3:a']) await others.put(key, 1, key, LONG_MS)
    health.become(false)
    for (const scope of ['page:1:', 'page:2:']) await cache.drop(scope)
    await finishDropping()
    expect(await others.get('page:1:a', 0)).not.toBeNull()
    health.become(true)
    expect(await cache.get('page:2:a', 0)).toBeNull()
    await finishDropping()
    for (const key of ['page:1:a', 'page:2:a']) expect(await others.get(key, 0)).toBeNull()
    expect((await cache.get('page:3:a', 0))?.value).toBe('page:3:a')
    await others.put('page:1:a', 2, 'new', LONG_MS)
    expect((await cache.get('page:1:a', 0))?.value).toBe('new')
  })

  it('drops again, once the shared one is back, what failed', async () => {
    const { cache, others, health, state, finishDropping } = slowlyDropping()
    await others.put('page:1:a', 1, 'deleted', LONG_MS)
    state.fails = true
    await cache.drop('page:1:')
    await finishDropping()
    expect(await others.get('page:1:a', 0)).not.toBeNull()
    state.fails = false
    health.become(true)
    await finishDropping()
    expect(await others.get('page:1:a', 0)).toBeNull()
  })

  it('keeps nothing in memory for longer than the shared one does', async () => {
    const { cache, clock, others, state } = slowlyDropping()
    await others.put('page:1:a', 1, 'value', LONG_MS)
    state.leftMs = 1_000
    expect((await cache.get('page:1:a', 0))?.value).toBe('value')
    await others.drop('page:1:a')
    await clock.advance(800)
    expect((await cache.get('page:1:a', 0))?.value).toBe('value')
    await clock.advance(200)
    expect(await cache.get('page:1:a', 0)).toBeNull()
  })
})
