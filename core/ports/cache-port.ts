/**
 * A bounded cache of immutable values. Each entry carries the version (a room's seq, say) at which it was read; an entry
 * older than what the caller knows is never served, so a lost or late `drop` costs memory and nothing else.
 */
export interface CachePort {
  /** The value, or null where there is none of at least `minVersion`. A failing cache answers null. */
  get<T>(key: string, minVersion: number): Promise<Cached<T> | null>
  /** Keeps the entry of the higher version: a slow reader cannot bring an old value back. Never rejects. */
  put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void>
  /** Forgets all keys that begin with `scope`; frees memory, decides nothing. Never rejects. */
  drop(scope: string): Promise<void>
}

export type Cached<T> = { readonly version: number; readonly value: T }
