import type { Cancel, ClockPort } from '../ports/clock-port.js'
import { SingleFlight } from './single-flight.js'

export type SharedLoadsOptions<Value> = {
  /** At what version of its key a value was loaded. A load that begins later answers the same version or a higher one. */
  readonly versionOf: (value: Value) => number
  /** How long a value is kept after its load: what a crowd needs to be served. Versions decide whether it is used. */
  readonly keptMs: number
  readonly maxKept: number
}

type Kept<Value> = { readonly value: Value; readonly forget: Cancel }

/** What many want within moments is loaded once; nobody gets a value below the version that they know to exist. */
export class SharedLoads<Value> {
  private readonly flight: SingleFlight<Value>
  private readonly kept = new Map<string, Kept<Value>>()

  constructor(
    private readonly clock: ClockPort,
    private readonly options: SharedLoadsOptions<Value>,
  ) {
    this.flight = new SingleFlight(options.versionOf)
  }

  async read(key: string, minVersion: number, load: () => Promise<Value>): Promise<Value> {
    const kept = this.kept.get(key)
    if (kept !== undefined && this.options.versionOf(kept.value) >= minVersion) return kept.value
    return this.flight.load(key, minVersion, async () => {
      const value = await load()
      this.keep(key, value)
      return value
    })
  }

  private keep(key: string, value: Value): void {
    this.forget(key)
    const [oldest] = this.kept.keys()
    if (oldest !== undefined && this.kept.size >= this.options.maxKept) this.forget(oldest)
    this.kept.set(key, { value, forget: this.clock.after(this.options.keptMs, () => this.forget(key)) })
  }

  private forget(key: string): void {
    this.kept.get(key)?.forget()
    this.kept.delete(key)
  }
}
