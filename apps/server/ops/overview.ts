import type { Histogram } from 'prom-client'
import type { PortReports } from '../composition/index.js'
import type { InstanceReport, Overview } from '../contract/overview.js'
import { PartialAnswers } from '../realtime/bus-adapter.js'
import type { Metrics } from './metrics.js'

const QUESTION = 'instance:report'

/** What is asked of the Socket.io server: to carry a question to the other processes. */
export type Peers = {
  on(question: string, answer: (reply: (report: InstanceReport) => void) => void): unknown
  /** Rejects with `PartialAnswers` where not all have answered in time. */
  serverSideEmitWithAck(question: string): Promise<unknown[]>
}

type OverviewParts = {
  /** By which the other processes know this one. */
  readonly id: string
  readonly metrics: Metrics
  readonly sockets: () => number
  readonly roomsTracked: () => number
  readonly gapsFound: () => number
  readonly gapsRepaired: () => number
  readonly reports: PortReports
  readonly peers: Peers
}

/** Gathers what all processes of the deployment tell of themselves. */
export class OverviewOfInstances {
  /** Of those that have answered and are not gone, to name one that does not answer any more. */
  private pids: ReadonlyMap<string, number> = new Map()
  private readonly startedAt = new Date().toISOString()

  constructor(private readonly parts: OverviewParts) {
    parts.peers.on(QUESTION, (reply) => void this.self().then(reply))
  }

  async gather(): Promise<Overview> {
    const [self, { others, silent }] = await Promise.all([this.self(), this.askOthers()])
    const reports = [self, ...others]
    const missing = silent.map((id) => ({ id, pid: this.pids.get(id) ?? null }))
    const known = [...reports, ...missing].flatMap(({ id, pid }) =>
      pid === null ? [] : [[id, pid] as const],
    )
    this.pids = new Map(known)
    return {
      instances: reports.map(
        ({ caches: _, bus: __, latencies: ___, failover: ____, redis: _____, ...instance }) => instance,
      ),
      partial: missing.length > 0,
      missing,
      failover: reports.flatMap(({ id, failover }) => failover.map((entry) => ({ instance: id, ...entry }))),
      caches: reports.map(({ id, caches }) => ({ instance: id, report: caches })),
      redis: redisOf(reports),
      bus: reports.map(({ id, bus }) => ({ instance: id, report: bus })),
      latencies: reports.map(({ id, latencies }) => ({ instance: id, report: latencies })),
    }
  }

  private async self(): Promise<InstanceReport> {
    const { metrics, sockets, roomsTracked, gapsFound, gapsRepaired, reports } = this.parts
    const [sendToAck, commitToDeliver, lag, failures, redis] = await Promise.all([
      latencyOf(metrics.sendToAck),
      latencyOf(metrics.commitToDeliver),
      latencyOf(metrics.busLag),
      metrics.busFailures.get(),
      reports.redis?.() ?? null,
    ])
    return {
      id: this.parts.id,
      pid: process.pid,
      startedAt: this.startedAt,
      sockets: sockets(),
      roomsTracked: roomsTracked(),
      memoryBytes: process.memoryUsage.rss(),
      caches: reports.caches(),
      failover: reports.failover().map(told),
      redis: redis === null ? null : told(redis),
      bus: {
        lag,
        failures: failures.values[0]?.value ?? 0,
        gapsFound: gapsFound(),
        gapsRepaired: gapsRepaired(),
      },
      latencies: { sendToAck, commitToDeliver },
    }
  }

  /** What those tell that answer in time, and the ids of those that do not. */
  private async askOthers(): Promise<{
    readonly others: readonly InstanceReport[]
    readonly silent: readonly string[]
  }> {
    try {
      const others = (await this.parts.peers.serverSideEmitWithAck(QUESTION)) as InstanceReport[]
      return { others, silent: [] }
    } catch (error) {
      if (!(error instanceof PartialAnswers)) throw error
      return { others: error.responses as InstanceReport[], silent: error.missing }
    }
  }
}

/** Times are told as everywhere on the wire. */
const told = <T extends { readonly sinceMs: number }>({ sinceMs, ...rest }: T) => ({
  ...rest,
  since: new Date(sinceMs).toISOString(),
})

function redisOf(reports: readonly InstanceReport[]): Overview['redis'] {
  const found = reports.flatMap(({ id, redis }) => (redis === null ? [] : [{ instance: id, report: redis }]))
  return found.length === 0 ? null : found
}

type Latency = InstanceReport['latencies']['sendToAck']

async function latencyOf(histogram: Histogram): Promise<Latency> {
  const { values } = await histogram.get()
  const buckets = values.flatMap(({ labels, value }) => {
    const bound = 'le' in labels ? Number(labels.le === '+Inf' ? Number.POSITIVE_INFINITY : labels.le) : null
    return bound === null ? [] : [{ bound, count: value }]
  })
  const count = buckets.at(-1)?.count ?? 0
  const highest = buckets.findLast(({ bound }) => Number.isFinite(bound))?.bound ?? 0
  const quantile = (part: number): number => {
    const bucket = buckets.find((candidate) => candidate.count >= part * count)
    return count === 0 ? 0 : 1_000 * Math.min(bucket?.bound ?? highest, highest)
  }
  return { count, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}
