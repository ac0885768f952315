/**
 * Of those who want one key at once, one loads and the others get what it has loaded. Nobody gets a value below the version that they
 * know to exist: a load that had begun before may be too old, and then one more serves all who came since.
 */
export class SingleFlight<Value> {
  private readonly underWay = new Map<string, Promise<Value>>()

  /** `versionOf`: at what version of its key a value was loaded. A load that begins later answers the same version or a higher one. */
  constructor(private readonly versionOf: (value: Value) => number) {}

  async load(key: string, minVersion: number, load: () => Promise<Value>): Promise<Value> {
    const earlier = this.underWay.get(key)
    if (earlier === undefined) return this.begin(key, load)
    const value = await earlier
    // Whatever is under way by now began after this call.
    return this.versionOf(value) >= minVersion ? value : (this.underWay.get(key) ?? this.begin(key, load))
  }

  private begin(key: string, load: () => Promise<Value>): Promise<Value> {
    const loading = Promise.resolve()
      .then(load)
      .finally(() => this.underWay.delete(key))
    this.underWay.set(key, loading)
    return loading
  }
}
