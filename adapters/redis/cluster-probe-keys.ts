import { type Cluster, Command } from 'ioredis'

const KEYS_TRIED_MAX = 10_000

/** Keys of which each master of a cluster has one, as far as its slots are known; one key where they are not. */
export function clusterProbeKeys(cluster: Cluster, prefix: string): readonly string[] {
  const keys = new Map<string | undefined, string>()
  const masters = new Set(cluster.slots.map((nodes) => nodes?.[0]))
  for (let n = 0; n < KEYS_TRIED_MAX && keys.size < Math.max(1, masters.size); n += 1) {
    const key = `${prefix}probe:{${n}}`
    const master = cluster.slots[new Command('set', [key]).getSlot()]?.[0]
    if (!keys.has(master)) keys.set(master, key)
  }
  return [...keys.values()]
}
