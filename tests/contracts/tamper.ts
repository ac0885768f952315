/** Overwrites everything in a value that a store handed out, as far as the value lets it. */
export function tamper(value: unknown): void {
  const pending: unknown[] = [value]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const record = next as Record<string, unknown>
    for (const key of Object.keys(record)) {
      pending.push(record[key] ?? null)
      Reflect.set(record, key, 'tampered')
    }
    Reflect.set(record, 'added', 'tampered')
  }
}
