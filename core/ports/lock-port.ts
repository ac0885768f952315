/** Mutual exclusion per key. Losing the race is a normal answer; not being able to ask throws PortUnavailable. */
export interface LockPort {
  /** How far exclusion reaches: a `process` lock stops nobody in another process. */
  readonly scope: 'process' | 'cluster'
  /** Takes the lock, or answers null at once. Never waits; lapses by itself after `ttlMs`. */
  tryAcquire(key: string, ttlMs: number): Promise<HeldLock | null>
}

export interface HeldLock {
  /** Never rejects. False if the lock had lapsed, passed to another, or cannot be checked. */
  release(): Promise<boolean>
}
