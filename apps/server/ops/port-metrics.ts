import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outcomes, PortReports } from '../composition/index.js'

type Sample<L extends string> = readonly [labels: Readonly<Record<L, string>>, value: number]

/** Shows what the ports of this process count, and where those are that have another adapter behind them. */
export function showPorts(registry: Registry, { caches, limits, locks, failover, redis }: PortReports): void {
  const family = new Family(registry)
  family.totals(
    'parley_cache_requests_total',
    'Requests to caches; stale = an entry was there, but older than what is known.',
    ['cache', 'tier', 'result'],
    () =>
      caches().flatMap(({ cache, tier, hits, misses, staleRefused }) =>
        Object.entries({ hit: hits, miss: misses, stale: staleRefused }).map(
          ([result, count]) => [{ cache, tier, result }, count] as const,
        ),
      ),
  )
  family.totals('parley_cache_fills_total', 'Entries stored in caches.', ['cache', 'tier'], () =>
    caches().map(({ cache, tier, fills }) => [{ cache, tier }, fills]),
  )
  family.totals(
    'parley_cache_fills_refused_total',
    'Fills that gave way to an entry of a higher version.',
    ['cache', 'tier'],
    () => caches().flatMap(({ cache, tier, fillsRefused }) => samplesOf({ cache, tier }, fillsRefused)),
  )
  family.totals(
    'parley_cache_garbage_total',
    'What was found and is no entry: damaged, of a process of another format, or forged.',
    ['cache', 'tier'],
    () => caches().flatMap(({ cache, tier, garbage }) => samplesOf({ cache, tier }, garbage)),
  )
  family.totals(
    'parley_cache_evictions_total',
    'Entries that made room for others; of Redis see parley_redis_evicted_keys_total.',
    ['cache', 'tier'],
    () => caches().flatMap(({ cache, tier, evictions }) => samplesOf({ cache, tier }, evictions)),
  )
  family.values('parley_cache_bytes', 'What the entries take, about.', ['cache', 'tier'], () =>
    caches().flatMap(({ cache, tier, bytes }) => samplesOf({ cache, tier }, bytes)),
  )
  family.totals(
    'parley_rate_limits_total',
    'Calls counted against a limit, by outcome and by what was asked; what failed was asked of the next.',
    ['outcome', 'by'],
    () => byOutcome(limits()),
  )
  family.totals(
    'parley_locks_total',
    'Attempts to take a lock, by outcome and by what was asked; what failed was asked of the next.',
    ['outcome', 'by'],
    () => byOutcome(locks()),
  )
  if (redis === null) return
  family.values('parley_failover_state', '1 = on Redis, 0 = on what is behind it.', ['port'], () =>
    failover().map(({ port, state }) => [{ port }, state === 'primary' ? 1 : 0]),
  )
  family.totals('parley_failover_switches_total', 'Changes from one to the other.', ['port'], () =>
    failover().map(({ port, switches }) => [{ port }, switches]),
  )
  family.values('parley_redis_memory_bytes', 'What Redis uses.', [], async () =>
    samplesOf({}, (await redis()).memoryBytes),
  )
  family.totals('parley_redis_evicted_keys_total', 'Keys that Redis threw away to make room.', [], async () =>
    samplesOf({}, (await redis()).evictedKeys),
  )
  family.values('parley_redis_operations_per_second', 'Commands of all clients of Redis.', [], async () =>
    samplesOf({}, (await redis()).operationsPerSecond),
  )
  family.values('parley_redis_latency_seconds', 'Of one command, there and back.', [], async () => {
    const { latencyMs } = await redis()
    return samplesOf({}, latencyMs === null ? null : latencyMs / 1_000)
  })
}

/** Nothing is shown of what is not known. */
const samplesOf = <L extends string>(
  labels: Readonly<Record<L, string>>,
  value: number | null,
): Sample<L>[] => (value === null ? [] : [[labels, value]])

const byOutcome = (all: readonly Outcomes[]): Sample<'outcome' | 'by'>[] =>
  all.flatMap(({ by, counts }) =>
    Object.entries(counts).map(([outcome, count]) => [{ outcome, by }, count] as const),
  )

/** Metrics whose values someone else keeps; they are read when they are asked for. */
class Family {
  constructor(private readonly registry: Registry) {}

  totals<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: () => readonly Sample<L>[] | Promise<readonly Sample<L>[]>,
  ): void {
    new Counter<L>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const samples = await read()
        this.reset()
        if (samples.length === 0 && labelNames.length === 0) this.remove()
        for (const [labels, value] of samples) this.inc(labels, value)
      },
    })
  }

  values<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    read: () => readonly Sample<L>[] | Promise<readonly Sample<L>[]>,
  ): void {
    new Gauge<L>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const samples = await read()
        this.reset()
        if (samples.length === 0 && labelNames.length === 0) this.remove()
        for (const [labels, value] of samples) this.set(labels, value)
      },
    })
  }
}
