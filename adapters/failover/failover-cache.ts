import type { Cached, CachePort } from '../../core/ports/cache-port.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

/** A cache that processes share, and that tells how much longer it will keep what it answers. */
export interface SharedCache extends CachePort {
  lookUp<T>(
    key: string,
    minVersion: number,
  ): Promise<{ readonly cached: Cached<T>; readonly leftMs: number } | null>
}

/** Beyond them what the shared cache is to drop may be read once more: its version says whether it is of use. */
const DROPPING_MAX = 100

/**
 * Two tiers: this process's memory, and behind it a cache that all processes share, while that answers. Both refuse what is older than the
 * caller knows, and keep the higher version.
 */
export class FailoverCache implements CachePort {
  /** What is being looked up in the shared cache, by key: those who want the same at once ask once. */
  private readonly lookUps = new Map<string, Promise<Cached<unknown> | null>>()
  /** What the shared cache is about to drop, and how often. */
  private readonly dropping = new Map<string, number>()

  constructor(
    private readonly shared: SharedCache,
    private readonly memory: CachePort,
    private readonly health: PrimaryHealth,
  ) {}

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
    // Nobody waits for it: it frees memory and decides nothing.
    if (this.health.isUp()) void this.dropShared(scope)
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
    await this.memory.put(key, far.cached.version, far.cached.value, far.leftMs)
    // Frozen, where memory took it.
    return (await this.memory.get<unknown>(key, minVersion)) ?? far.cached
  }

  private async dropShared(scope: string): Promise<void> {
    if (this.dropping.size >= DROPPING_MAX && !this.dropping.has(scope)) return this.shared.drop(scope)
    this.dropping.set(scope, (this.dropping.get(scope) ?? 0) + 1)
    await this.shared.drop(scope)
    const left = (this.dropping.get(scope) ?? 1) - 1
    if (left === 0) this.dropping.delete(scope)
    else this.dropping.set(scope, left)
  }

  private isBeingDropped(key: string): boolean {
    for (const scope of this.dropping.keys()) if (key.startsWith(scope)) return true
    return false
  }
}
