import type { Cached, CachePort } from '../../core/ports/cache-port.js'
import { groupOf } from '../../core/ports/cache-scope.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

/** A cache that processes share, and that tells how much longer it will keep what it answers, and what it could not drop. */
export interface SharedCache extends CachePort {
  lookUp<T>(
    key: string,
    minVersion: number,
  ): Promise<{ readonly cached: Cached<T>; readonly leftMs: number } | null>
  /** As `drop`; false where it may not have been done. */
  tryDrop(scope: string): Promise<boolean>
}

/** Beyond them what the shared cache is to drop may be read once more: its version says whether it is of use. */
const DROPPING_MAX = 100
/** That many scopes that the shared cache could not drop are dropped once it is back; what is in others lasts for its lifetime. */
const MISSED_MAX = 10_000
/** By how much a cache may keep an entry for longer than it is told, so that those filled together do not expire together. */
const LIFETIME_SPREAD = 0.1

/**
 * Two tiers: this process's memory, and behind it a cache that all processes share, while that answers. Both refuse what is older than the
 * caller knows, and keep the higher version.
 */
export class FailoverCache implements CachePort {
  /** What is being looked up in the shared cache, by key: those who want the same at once ask once. */
  private readonly lookUps = new Map<string, Promise<Cached<unknown> | null>>()
  /** What the shared cache is about to drop, and how often. */
  private readonly dropping = new Map<string, number>()
  /** What it was to drop while it was away. */
  private readonly missed = new Set<string>()

  constructor(
    private readonly shared: SharedCache,
    private readonly memory: CachePort,
    private readonly health: PrimaryHealth,
  ) {
    health.onChange(() => void this.dropMissed())
  }

  async get<T>(key: string, minVersion: number): Promise<Cached<T> | null> {
    const near = await this.memory.get<T>(key, minVersion)
    if (near !== null || !this.health.isUp() || this.isBeingDropped(key)) return near
    const lookUp = this.lookUps.get(key) ?? this.lookUp(key, minVersion)
    const far = (await lookUp) as Cached<T> | null
    // Who joined may know of a newer one.
    return far !== null && far.version >= minVersion ? far : null
  }

  async put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void> {
    await this.memory.put(key, version, value, ttlMs)
    // Nobody waits for it: what is not stored there is loaded once more.
    if (this.health.isUp()) void this.shared.put(key, version, value, ttlMs)
  }

  async drop(scope: string): Promise<void> {
    await this.memory.drop(scope)
    // Nobody waits for it: it decides nothing, but what was taken back is not to lie there.
    void this.dropShared(scope)
  }

  state(): FailoverState {
    return stateOf('CachePort', this.health)
  }

  private lookUp(key: string, minVersion: number): Promise<Cached<unknown> | null> {
    const lookUp = this.fetch(key, minVersion).finally(() => this.lookUps.delete(key))
    this.lookUps.set(key, lookUp)
    return lookUp
  }

  private async fetch(key: string, minVersion: number): Promise<Cached<unknown> | null> {
    const far = await this.shared.lookUp<unknown>(key, minVersion)
    if (far === null) return null
    // Not for longer than the shared one, or lifetimes would add up.
    const leftMs = far.leftMs / (1 + LIFETIME_SPREAD)
    await this.memory.put(key, far.cached.version, far.cached.value, leftMs)
    // Frozen, where memory took it.
    return (await this.memory.get<unknown>(key, minVersion)) ?? far.cached
  }

  private async dropShared(scope: string): Promise<void> {
    const isNoted = this.dropping.size < DROPPING_MAX || this.dropping.has(scope)
    if (isNoted) this.dropping.set(scope, (this.dropping.get(scope) ?? 0) + 1)
    const isDropped = this.health.isUp() && (await this.shared.tryDrop(scope))
    if (!isDropped && this.missed.size < MISSED_MAX) this.missed.add(scope)
    if (!isNoted) return
    const left = (this.dropping.get(scope) ?? 1) - 1
    if (left === 0) this.dropping.delete(scope)
    else this.dropping.set(scope, left)
  }

  /** One after another, beside what users ask for; what fails once more waits until the cache has been away again. */
  private async dropMissed(): Promise<void> {
    for (const scope of [...this.missed]) {
      if (!this.health.isUp()) return
      if (this.missed.delete(scope)) await this.dropShared(scope)
    }
  }

  private isBeingDropped(key: string): boolean {
    // Scopes are whole groups, nearly always.
    if (this.missed.has(groupOf(key) ?? key)) return true
    for (const scope of this.dropping.keys()) if (key.startsWith(scope)) return true
    return false
  }
}
