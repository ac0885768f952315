/** Puts an entry last in order of use, and drops the first where there are more than `max`. */
export function putBounded<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
  // A map whose entries come and go is copied again and again; the order matters only once they are many.
  if (map.size > max / 2) map.delete(key)
  map.set(key, value)
  if (map.size > max) for (const [oldest] of map) return void map.delete(oldest)
}
