import type { PrimaryHealth } from '../../adapters/failover/index.js'

/** A primary that is up until a test turns it off, and on again. */
export class SwitchedHealth implements PrimaryHealth {
  sinceMs = 0
  switches = 0
  private up = true
  private readonly listeners = new Set<() => void>()

  isUp(): boolean {
    return this.up
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  turn(up: boolean): void {
    this.up = up
    for (const listener of this.listeners) listener()
  }
}
