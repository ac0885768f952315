import type { Cached, CachePort } from '../../../core/ports/cache-port.js'

/** What one tier of a cache has counted; null where the tier does not know it of this cache alone. */
export type TierCounts = {
  readonly hits: number
  readonly misses: number
  readonly staleRefused: number
  readonly fills: number
  /** Fills that gave way to an entry of a higher version. */
  readonly fillsRefused: number | null
  /** What was found there and is no entry that a process has made. */
  readonly garbage: number | null
  readonly evictions: number | null
  readonly entries: number | null
  readonly bytes: number | null
}

export type CacheReport = TierCounts & { readonly cache: string; readonly tier: string }

/** One cache, and what each of its tiers has counted. */
export type TieredCache = {
  readonly cache: CachePort
  readonly tiers: Readonly<Record<string, () => TierCounts>>
}

export const SESSIONS = 'sessions'
/** The caches, by the word with which their keys begin. */
const NAMES: Readonly<Record<string, string>> = { session: SESSIONS, member: 'members', page: 'messages' }
const OTHERS = 'others'

/** Caches of different things, each with bounds and counts of its own, so that none crowds out another. */
export class NamedCaches implements CachePort {
  private readonly others: TieredCache
  private readonly byWord: ReadonlyMap<string, TieredCache>

  constructor(open: (cache: string) => TieredCache) {
    this.others = open(OTHERS)
    this.byWord = new Map(Object.entries(NAMES).map(([word, name]) => [word, open(name)]))
  }

  get<T>(key: string, minVersion: number): Promise<Cached<T> | null> {
    return this.of(key).get<T>(key, minVersion)
  }

  put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void> {
    return this.of(key).put(key, version, value, ttlMs)
  }

  async drop(scope: string): Promise<void> {
    // What holds no whole word may begin keys of any of them.
    const reached = scope.includes(':') ? [this.of(scope)] : this.all().map(([, { cache }]) => cache)
    await Promise.all(reached.map((cache) => cache.drop(scope)))
  }

  report(): readonly CacheReport[] {
    return this.all().flatMap(([cache, { tiers }]) =>
      Object.entries(tiers).map(([tier, counts]) => ({ cache, tier, ...counts() })),
    )
  }

  private all(): readonly (readonly [name: string, cache: TieredCache])[] {
    const named = [...this.byWord].map(([word, cache]) => [NAMES[word] ?? OTHERS, cache] as const)
    return [...named, [OTHERS, this.others]]
  }

  private of(key: string): CachePort {
    const word = key.slice(0, Math.max(0, key.indexOf(':')))
    return (this.byWord.get(word) ?? this.others).cache
  }
}

/** Keeps what it is given for a share of the lifetime. */
export class BriefCache implements CachePort {
  constructor(
    private readonly cache: CachePort,
    /** 0 to 1. */
    private readonly share: number,
  ) {}

  get<T>(key: string, minVersion: number): Promise<Cached<T> | null> {
    return this.cache.get<T>(key, minVersion)
  }

  put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void> {
    return this.cache.put(key, version, value, ttlMs * this.share)
  }

  drop(scope: string): Promise<void> {
    return this.cache.drop(scope)
  }
}
