/** A copy that nobody can change: what leaves the store, or enters it, is shared with no one who could. */
export function frozen<T>(value: T): T {
  const copy = structuredClone(value)
  const pending: unknown[] = [copy]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    pending.push(...Object.values(next))
  }
  return copy
}
