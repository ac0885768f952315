import { MemoryCache } from '../../../adapters/memory/memory-cache.js'
import type { Cached, CachePort } from '../../../core/ports/cache-port.js'
import type { CacheFixture } from '../cache-port.contract.js'
import { HeldClock } from '../held-clock.js'
import { brokenBy } from './broken-by.js'

const broken = (change: (sound: CachePort) => Partial<CachePort>) => (): CacheFixture => {
  const clock = new HeldClock()
  const sound = new MemoryCache(clock)
  return { cache: brokenBy<CachePort>(sound, change(sound)), passTimeMs: async (ms) => clock.pass(ms) }
}

const wildcards = (scope: string): RegExp =>
  new RegExp(`^${scope.replaceAll(/[*%]/g, '.*').replaceAll(/[?_]/g, '.')}`)

/** Keeps everything in a plain object, as it was given. */
const keepsAPlainObject = broken(() => {
  const entries: Record<string, Cached<unknown>> = {}
  return {
    get: async <T>(key: string) => (entries[key] as Cached<T> | undefined) ?? null,
    put: async (key, version, value) => {
      if ((entries[key]?.version ?? 0) <= version) entries[key] = { version, value }
    },
  }
})

/** Remembers keys to drop them by pattern. */
const dropsByPattern = broken((sound) => {
  const keys = new Set<string>()
  return {
    put: async (key, version, value, ttlMs) => {
      keys.add(key)
      await sound.put(key, version, value, ttlMs)
    },
    drop: async (scope) => {
      for (const key of keys) if (wildcards(scope).test(key)) await sound.drop(key)
    },
  }
})

export const brokenCaches: Readonly<Record<string, () => CacheFixture>> = {
  keepsAPlainObject,
  dropsByPattern,
  remembersNothing: broken(() => ({ get: async () => null })),
  servesWhateverItHas: broken((sound) => ({ get: (key) => sound.get(key, 0) })),
  wantsANewerVersion: broken((sound) => ({ get: (key, minVersion) => sound.get(key, minVersion + 1) })),
  keepsTheFirst: broken((sound) => ({
    put: async (key, version, value, ttlMs) => {
      if ((await sound.get(key, 0)) === null) await sound.put(key, version, value, ttlMs)
    },
  })),
  keepsTheLast: broken((sound) => ({
    put: async (key, version, value, ttlMs) => {
      await sound.drop(key)
      await sound.put(key, version, value, ttlMs)
    },
  })),
  neverExpires: broken((sound) => ({
    put: (key, version, value) => sound.put(key, version, value, 86_400_000),
  })),
  takesMsForSeconds: broken((sound) => ({
    put: (key, version, value, ttlMs) => sound.put(key, version, value, ttlMs / 1_000),
  })),
  takesFalsyForNothing: broken((sound) => ({
    get: async <T>(key: string, minVersion: number) => {
      const cached = await sound.get<T>(key, minVersion)
      return cached?.value ? cached : null
    },
  })),
  failsOverWhatIsNoJson: broken((sound) => ({
    put: async (key, version, value, ttlMs) => {
      JSON.stringify(value)
      await sound.put(key, version, value, ttlMs)
    },
  })),
  dropsNothing: broken(() => ({ drop: async () => undefined })),
  dropsEverything: broken((sound) => ({ drop: () => sound.drop('') })),
  makesUpEntries: broken((sound) => ({
    get: async <T>(key: string, minVersion: number) =>
      (await sound.get<T>(key, minVersion)) ?? { version: minVersion, value: null as T },
  })),
}
