import { quantile } from '../../checker/grouping.js'
import type { Call, History } from '../../checker/history.js'

/** When the faults began and when the last one was healed. */
export type FaultWindow = { readonly startNs: number; readonly stopNs: number }

export type Latency = { readonly count: number; readonly p50Ms: number; readonly p99Ms: number }

export type Phase = 'before' | 'during' | 'after'
export const PHASES: readonly Phase[] = ['before', 'during', 'after']

/** What users noticed, by when they asked. */
export type Experience = {
  readonly sends: number
  readonly acks: number
  readonly pushes: number
  /** Sends that were refused, and sends of which nobody knows. */
  readonly refused: number
  readonly unanswered: number
  /** From a send to its ack. */
  readonly ack: Readonly<Record<Phase, Latency | null>>
  /** From a send to its push to another client. */
  readonly delivery: Readonly<Record<Phase, Latency | null>>
}

export function experienceOf(history: History, window: FaultWindow): Experience {
  const sends = history.calls.filter(({ f }) => f === 'send')
  const acked = sends.filter(({ type }) => type === 'ok')
  const phaseOf = (t: number): Phase =>
    t < window.startNs ? 'before' : t < window.stopNs ? 'during' : 'after'
  const ack = samples()
  for (const { t_invoke, t_end } of acked) ack[phaseOf(t_invoke)].push((t_end - t_invoke) / 1e6)
  return {
    sends: sends.length,
    acks: acked.length,
    pushes: history.received.filter(({ entry }) => entry !== undefined).length,
    refused: sends.filter(({ type }) => type === 'fail').length,
    unanswered: sends.filter(({ type }) => type === 'info').length,
    ack: latencies(ack),
    delivery: latencies(deliveries(history, sends, phaseOf)),
  }
}

type Samples = Record<Phase, number[]>
const samples = (): Samples => ({ before: [], during: [], after: [] })

/** Each push of a message to each client that has not been shown it before, counted from its first send. */
function deliveries(history: History, sends: readonly Call[], phaseOf: (t: number) => Phase): Samples {
  const firstSent = new Map<string, number>()
  for (const { user, room, cmid, t_invoke } of sends) {
    const key = `${room} ${user} ${cmid}`
    if (!firstSent.has(key)) firstSent.set(key, t_invoke)
  }
  const found = samples()
  for (const { entry, room, t } of history.received) {
    if (entry?.event !== 'message.sent' || entry.message === undefined) continue
    const sentAt = firstSent.get(`${room} ${entry.message.sender} ${entry.message.cmid}`)
    if (sentAt !== undefined) found[phaseOf(sentAt)].push((t - sentAt) / 1e6)
  }
  return found
}

const latencies = (of: Samples): Record<Phase, Latency | null> => ({
  before: latency(of.before),
  during: latency(of.during),
  after: latency(of.after),
})

function latency(ms: readonly number[]): Latency | null {
  if (ms.length === 0) return null
  return { count: ms.length, p50Ms: quantile(ms, 0.5), p99Ms: quantile(ms, 0.99) }
}
