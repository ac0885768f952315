const STRING_BYTES = 24
const NUMBER_BYTES = 8
const OBJECT_BYTES = 56
const PROPERTY_BYTES = 16

/**
 * Freezes plain data all the way down and answers about how many bytes it holds, or null for what cannot be frozen (typed
 * arrays, maps and sets stay mutable whatever one does).
 */
export function freezeAndMeasure(value: unknown): number | null {
  const waiting: unknown[] = [value]
  const seen = new Set<object>()
  let bytes = 0
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (typeof next === 'string') bytes += STRING_BYTES + 2 * next.length
    else if (typeof next !== 'object' || next === null) bytes += NUMBER_BYTES
    else if (!seen.has(next)) {
      if (!isPlain(next)) return null
      seen.add(next)
      Object.freeze(next)
      const members: unknown[] = Array.isArray(next) ? next : Object.values(next)
      bytes += OBJECT_BYTES + PROPERTY_BYTES * members.length
      for (const member of members) waiting.push(member)
    }
  }
  return bytes
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
