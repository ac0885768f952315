import NodeCache from 'node-cache'
import type { Cached, CachePort } from '../../core/ports/cache-port.js'
import { groupOf } from '../../core/ports/cache-scope.js'
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

type Entry = { readonly cached: Cached<unknown>; readonly expiresAtMs: number; readonly bytes: number }

const DEFAULTS = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 }

/** Entries filled together must not expire together: lifetimes vary by a tenth either way. */
const JITTER = 0.1

/**
 * A cache in this process: node-cache without clones, so values are frozen and shared. node-cache evicts nothing and throws
 * when it is full, even on overwriting, so the bounds are kept here, and what was used least recently goes first.
 */
export class MemoryCache implements CachePort {
  /** Expiry is judged here, by the injected clock; node-cache's own sweep would block for long. */
  private readonly store = new NodeCache({ useClones: false, stdTTL: 0, checkperiod: 0 })
  /** Keys in order of last use. */
  private readonly recency = new Set<string>()
  /** Keys by their group. */
  private readonly groups = new Map<string, Set<string>>()
  private readonly maxEntries: number
  private readonly maxBytes: number
  private readonly random: () => number
  private counts = { hits: 0, misses: 0, staleRefused: 0, fills: 0, evictions: 0, bytes: 0 }

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
    if (entry === null) {
      this.counts.misses += 1
      return null
    }
    if (entry.cached.version < minVersion) {
      this.counts.staleRefused += 1
      return null
    }
    this.counts.hits += 1
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
    this.makeRoom(bytes)
    const lifetimeMs = ttlMs * (1 - JITTER + 2 * JITTER * this.random())
    const entry: Entry = {
      cached: Object.freeze({ version, value }),
      expiresAtMs: this.clock.nowMs() + lifetimeMs,
      bytes,
    }
    this.store.set(stored(key), entry)
    this.recency.add(key)
    this.join(key)
    this.counts.bytes += bytes
    this.counts.fills += 1
  }

  async drop(scope: string): Promise<void> {
    const group = groupOf(scope)
    const among = group === null ? this.recency : (this.groups.get(group) ?? [])
    for (const key of among) if (key.startsWith(scope)) this.forget(key)
  }

  stats(): CacheStats {
    return { ...this.counts, entries: this.recency.size }
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
    this.leave(key)
    this.counts.bytes -= entry.bytes
  }

  private join(key: string): void {
    const group = groupOf(key)
    if (group === null) return
    const keys = this.groups.get(group)
    if (keys === undefined) this.groups.set(group, new Set([key]))
    else keys.add(key)
  }

  private leave(key: string): void {
    const group = groupOf(key)
    if (group === null) return
    const keys = this.groups.get(group)
    keys?.delete(key)
    if (keys?.size === 0) this.groups.delete(group)
  }

  private makeRoom(bytes: number): void {
    for (const oldest of this.recency) {
      if (this.recency.size < this.maxEntries && this.counts.bytes + bytes <= this.maxBytes) return
      this.forget(oldest)
      this.counts.evictions += 1
    }
  }
}

/** node-cache keeps its entries in a plain object, in which `__proto__` is no key of its own. */
const stored = (key: string): string => `:${key}`
