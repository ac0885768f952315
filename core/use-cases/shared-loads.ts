import type { Cancel, ClockPort } from '../ports/clock-port.js'

export type SharedLoadsOptions<Value> = {
  /** At what version of its key a value was loaded. A load that begins later answers the same version or a higher one. */
  readonly versionOf: (value: Value) => number
  /** How long a value is kept after its load: what a crowd needs to be served. Versions decide whether it is used. */
  readonly keptMs: number
  readonly maxKept: number
}

type Kept<Value> = { readonly value: Value; readonly forget: Cancel }

/**
 * Single flight: of those who want one key, one loads and the others get what it has loaded. Nobody gets a value below the
 * version that they know to exist: a load that had begun before may be too old, and then one more serves all who came since.
 */
export class SharedLoads<Value> {
  private readonly underWay = new Map<string, Promise<Value>>()
  private readonly kept = new Map<string, Kept<Value>>()

  constructor(
    private readonly clock: ClockPort,
    private readonly options: SharedLoadsOptions<Value>,
  ) {}

  async read(key: string, minVersion: number, load: () => Promise<Value>): Promise<Value> {
    const isNewEnough = (value: Value) => this.options.versionOf(value) >= minVersion
    const kept = this.kept.get(key)
    if (kept !== undefined && isNewEnough(kept.value)) return kept.value
    const earlier = this.underWay.get(key)
    if (earlier === undefined) return this.begin(key, load)
    const value = await earlier
    // Whatever is under way by now began after this call.
    return isNewEnough(value) ? value : (this.underWay.get(key) ?? this.begin(key, load))
  }

  private begin(key: string, load: () => Promise<Value>): Promise<Value> {
    const loading = Promise.resolve()
      .then(load)
      .then((value) => {
        this.keep(key, value)
        return value
      })
      .finally(() => this.underWay.delete(key))
    this.underWay.set(key, loading)
    return loading
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
