import Type, { type Static } from 'typebox'
import { Count, listOf, nullable, shape, Time } from './fields.js'

const Milliseconds = Type.Number({ minimum: 0 })

/** Estimated from a histogram: the upper bound of the bucket in which the quantile lies. */
const Latency = shape({ count: Count, p50Ms: Milliseconds, p99Ms: Milliseconds })

/** An adapter that has another behind it. */
const Failover = {
  port: Type.String(),
  state: Type.Enum(['primary', 'fallback']),
  since: Time,
  switches: Count,
}

/** Redis as one process finds it; null: no answer. */
const Redis = shape({
  state: Type.Enum(['up', 'suspect', 'down']),
  since: Time,
  memoryBytes: nullable(Count),
  operationsPerSecond: nullable(Count),
  /** Thrown away to make room, since Redis was started. */
  evictedKeys: nullable(Count),
  latencyMs: nullable(Milliseconds),
})

/** What one process tells of itself. */
export const InstanceReport = shape({
  /** New with each start. */
  id: Type.String(),
  pid: Count,
  startedAt: Time,
  sockets: Count,
  roomsTracked: Count,
  memoryBytes: Count,
  caches: listOf(
    shape({
      cache: Type.String(),
      tier: Type.String(),
      hits: Count,
      misses: Count,
      staleRefused: Count,
      fills: Count,
      /** Null where the tier does not know it of this cache alone, or it cannot be. */
      fillsRefused: nullable(Count),
      garbage: nullable(Count),
      evictions: nullable(Count),
      entries: nullable(Count),
      bytes: nullable(Count),
    }),
  ),
  failover: listOf(shape(Failover)),
  redis: nullable(Redis),
  bus: shape({ lag: Latency, failures: Count, gapsFound: Count, gapsRepaired: Count }),
  latencies: shape({ sendToAck: Latency, commitToDeliver: Latency }),
})
export type InstanceReport = Static<typeof InstanceReport>

const ofInstances = <K extends 'caches' | 'bus' | 'latencies'>(part: K) =>
  listOf(shape({ instance: Type.String(), report: InstanceReport.properties[part] }))

/** The whole deployment, as far as its processes answer in time. */
export const Overview = shape({
  instances: listOf(
    Type.Pick(InstanceReport, ['id', 'pid', 'startedAt', 'sockets', 'roomsTracked', 'memoryBytes']),
  ),
  /** Whether a process did not answer in time. */
  partial: Type.Boolean(),
  /** One entry for each process and adapter that has another behind it; none without Redis. */
  failover: listOf(shape({ instance: Type.String(), ...Failover })),
  /** Which; the pid where it is known from an earlier answer. One that stays silent is forgotten after ten seconds. */
  missing: listOf(shape({ id: Type.String(), pid: nullable(Count) })),
  caches: ofInstances('caches'),
  /** Null without Redis. */
  redis: nullable(listOf(shape({ instance: Type.String(), report: Redis }))),
  bus: ofInstances('bus'),
  latencies: ofInstances('latencies'),
})
export type Overview = Static<typeof Overview>
