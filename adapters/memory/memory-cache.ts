import NodeCache from 'node-cache'
import type { Cached, CachePort } from '../../core/ports/cache-port.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import { freezeAndMeasure } from './frozen-value.js'

export type CacheStats = {
  readonly hits: number
  readonly misses: number
  /** Entries found but older than what the caller knew. */
  readonly staleRefused: number
  readonly fills: number
  /** Entries that made room for others. */
  readonly evictions: number
  readonly entries: number
  /** Approximate. */
  readonly bytes: number
}

export type MemoryCacheOptions = {
  readonly maxEntries?: number
  readonly maxBytes?: number
  /** 0 to below 1; spreads lifetimes. */
  readonly random?: () => number
}

/** What goes by one name. */
type Named = {
  readonly keys: Set<string>
  readonly counts: { -readonly [Count in keyof CacheStats]: number }
}
type Entry = { readonly cached: Cached<unknown>; readonly expiresAtMs: number; readonly bytes: number }

const NOTHING: CacheStats = {
  hits: 0,
  misses: 0,
  staleRefused: 0,
  fills: 0,
  evictions: 0,
  entries: 0,
  bytes: 0,
}

const DEFAULTS = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 }

/** Entries filled together must not expire together: lifetimes vary by a tenth either way. */
const JITTER = 0.1

/**
 * A cache in this process: node-cache without clones, so values are frozen and shared. node-cache evicts nothing and throws
 * when it is full, even on overwriting, so the bounds are kept here, and what was used least recently goes first, whichever of the
 * caches that share it that belongs to.
 */
export class MemoryCache implements CachePort {
  /** Expiry is judged here, by the injected clock; node-cache's own sweep would block for long. */
  private readonly store = new NodeCache({ useClones: false, stdTTL: 0, checkperiod: 0 })
  /** Keys in order of last use. */
  private readonly recency = new Set<string>()
  private readonly maxEntries: number
  private readonly maxBytes: number
  private readonly random: () => number
  private readonly named = new Map<string, Named>()
  private bytes = 0

  constructor(
    private readonly clock: ClockPort,
    options: MemoryCacheOptions = {},
  ) {
    this.maxEntries = options.maxEntries ?? DEFAULTS.maxEntries
    this.maxBytes = options.maxBytes ?? DEFAULTS.maxBytes
    this.random = options.random ?? Math.random
  }

  async get<T>(key: string, minVersion: number): Promise<Cached<T> | null> {
    const entry = this.live(key)
    const { counts } = this.namedLike(key)
    if (entry === null) {
      counts.misses += 1
      return null
    }
    if (entry.cached.version < minVersion) {
      counts.staleRefused += 1
      return null
    }
    counts.hits += 1
    this.recency.delete(key)
    this.recency.add(key)
    return entry.cached as Cached<T>
  }

  async put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void> {
    const present = this.live(key)
    if (present !== null && present.cached.version > version) return
    const size = freezeAndMeasure(value)
    if (size === null || size > this.maxBytes) return
    const bytes = size + 2 * key.length
    this.forget(key)
    this.forgetExpired()
    this.makeRoom(bytes)
    const lifetimeMs = ttlMs * (1 - JITTER + 2 * JITTER * this.random())
    const entry: Entry = {
      cached: Object.freeze({ version, value }),
      expiresAtMs: this.clock.nowMs() + lifetimeMs,
      bytes,
    }
    this.store.set(stored(key), entry)
    this.recency.add(key)
    this.bytes += bytes
    const { keys, counts } = this.namedLike(key)
    keys.add(key)
    counts.bytes += bytes
    counts.entries += 1
    counts.fills += 1
  }

  async drop(scope: string): Promise<void> {
    // Of one name, as of most scopes, there may be few among many others.
    const keys = scope.includes(':') ? this.namedLike(scope).keys : this.recency
    for (const key of keys) if (key.startsWith(scope)) this.forget(key)
  }

  /** @param name of a cache: what its keys have before their first colon */
  stats(name: string): CacheStats {
    return { ...(this.named.get(name)?.counts ?? NOTHING) }
  }

  private live(key: string): Entry | null {
    const entry = this.store.get<Entry>(stored(key))
    if (entry === undefined) return null
    if (entry.expiresAtMs > this.clock.nowMs()) return entry
    this.forget(key)
    return null
  }

  private forget(key: string): void {
    const entry = this.store.take<Entry>(stored(key))
    if (entry === undefined) return
    this.recency.delete(key)
    this.bytes -= entry.bytes
    const { keys, counts } = this.namedLike(key)
    keys.delete(key)
    counts.bytes -= entry.bytes
    counts.entries -= 1
  }

  /** Of those that were not used for longest, so that what nobody asks for again is given back all the same. */
  private forgetExpired(): void {
    const nowMs = this.clock.nowMs()
    for (const oldest of this.recency) {
      const entry = this.store.get<Entry>(stored(oldest))
      if (entry !== undefined && entry.expiresAtMs > nowMs) return
      this.forget(oldest)
    }
  }

  private makeRoom(bytes: number): void {
    for (const oldest of this.recency) {
      if (this.recency.size < this.maxEntries && this.bytes + bytes <= this.maxBytes) return
      this.forget(oldest)
      this.namedLike(oldest).counts.evictions += 1
    }
  }

  /** What has the name of this key. */
  private namedLike(key: string): Named {
    const name = key.slice(0, Math.max(0, key.indexOf(':')))
    const known = this.named.get(name)
    if (known !== undefined) return known
    const named = { keys: new Set<string>(), counts: { ...NOTHING } }
    this.named.set(name, named)
    return named
  }
}

/** node-cache keeps its entries in a plain object, in which `__proto__` is no key of its own. */
const stored = (key: string): string => `:${key}`
