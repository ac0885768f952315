import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { showPorts } from './port-metrics.js'

it('shows nothing of what no cache, or not even Redis, can tell', async () => {
  const registry = new Registry()
  const counted = { hits: 1, misses: 2, staleRefused: 0, fills: 2 }
  const unknown = { fillsRefused: null, garbage: null, evictions: null, entries: null, bytes: null }
  const redis = {
    state: 'up' as const,
    sinceMs: 0,
    memoryBytes: null,
    evictedKeys: null,
    operationsPerSecond: null,
    latencyMs: null,
  }
  showPorts(registry, {
    caches: () => [{ cache: 'pages', tier: 'memory', ...counted, ...unknown }],
    limits: () => [],
    locks: () => [],
    failover: () => [],
    redis: async () => redis,
  })
  const samples = (await registry.metrics())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  expect(samples).toEqual([
    'parley_cache_requests_total{cache="pages",tier="memory",result="hit"} 1',
    'parley_cache_requests_total{cache="pages",tier="memory",result="miss"} 2',
    'parley_cache_requests_total{cache="pages",tier="memory",result="stale"} 0',
    'parley_cache_fills_total{cache="pages",tier="memory"} 2',
  ])
})
