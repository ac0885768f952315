import type { Findings } from '../findings.js'
import { groupBy, quantile } from '../grouping.js'
import type { Call, History, NemesisLine, Sample } from '../history.js'
import { type RunIndex, type Send, sendKey } from '../run-index.js'
import { endOf, subscriptionsOf } from '../subscriptions.js'

const STEP = 11
const NS_PER_MS = 1e6
/** How long before a fault, and after it, is compared with it. */
const AROUND_NS = 30_000 * NS_PER_MS
/** L12: what nobody notices. */
const DELIVERED_WITHIN_MS = 1_000
/**
 * L14: by when a process must be as it was, and what counts as that. Among the open files are the sockets of clients that have
 * come from another instance.
 */
const BACK_WITHIN_NS = 300_000 * NS_PER_MS
const BACK = { rssFactor: 1.5, rssBytes: 64 * 1024 * 1024, openFiles: 100, loopDelayMs: 100 }

export type Figures = {
  readonly sends: number
  /** Of all calls: the share that was not answered `ok`, leaving out what the caller may not do. */
  readonly errorRatio: number
  readonly ackMs: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** From the send to each other client that was there and shows it. */
  readonly renderMs: { readonly p50: number; readonly p99: number; readonly p999: number }
}

export type Experience = {
  readonly fault: NemesisLine | null
  readonly before: Figures
  readonly during: Figures
  readonly after: Figures
}

/** Step 11: what users felt before, during and after each fault; L12 where they must not, and L14 from samples. */
export function judgeExperience(history: History, index: RunIndex, findings: Findings): Experience[] {
  const arrivals = new Arrivals(history, index)
  const end = endOf(history)
  const experiences = history.faults.map((fault) => ({
    fault,
    before: arrivals.figures(fault.start - AROUND_NS, fault.start),
    during: arrivals.figures(fault.start, fault.stop),
    after: arrivals.figures(fault.stop, fault.stop + AROUND_NS),
  }))
  for (const experience of experiences)
    if (experience.fault.unnoticed) judgeUnnoticed(experience, arrivals, findings)
  judgeProcesses(history, end, findings)
  if (experiences.length > 0) return experiences
  const whole = arrivals.figures(-Infinity, Infinity)
  return [{ fault: null, before: whole, during: whole, after: whole }]
}

/** Refusals that say something about the caller and not about the service. */
const DESERVED = new Set([
  'NOT_FOUND',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  'VALIDATION_FAILED',
  'CONFLICT',
  'NOT_SENT',
])
const isError = ({ type, code = '' }: Call): boolean => type !== 'ok' && !DESERVED.has(code)

class Arrivals {
  private readonly acks: { readonly send: Send; readonly ms: number }[] = []
  private readonly renders: { readonly invoke: number; readonly ms: number }[] = []

  constructor(
    private readonly history: History,
    { sends }: RunIndex,
  ) {
    for (const send of sends.values())
      if (send.ack) this.acks.push({ send, ms: (send.ack.t_end - send.firstInvoke) / NS_PER_MS })
    const subscriptions = groupBy(subscriptionsOf(history), ({ join, room }) => `${join.client} ${room}`)
    const seen = new Set<string>()
    for (const { client, room, t, items } of history.rendered)
      for (const { sender, cmid } of items) {
        const send = sends.get(sendKey(room, sender, cmid))
        const key = `${client} ${room} ${sender} ${cmid}`
        if (send === undefined || seen.has(key)) continue
        seen.add(key)
        // Who was not there when it was sent sees it as late as they come.
        const there = subscriptions
          .get(`${client} ${room}`)
          ?.some(({ from, to }) => from <= send.firstInvoke && t <= to)
        if (there && !send.calls.some((call) => call.client === client))
          this.renders.push({ invoke: send.firstInvoke, ms: (t - send.firstInvoke) / NS_PER_MS })
      }
  }

  figures(from: number, to: number): Figures {
    const calls = this.errorsIn(from, to)
    const acks = this.acks.filter(({ send }) => send.firstInvoke >= from && send.firstInvoke < to)
    const renders = this.renders.filter(({ invoke }) => invoke >= from && invoke < to)
    return {
      sends: acks.length,
      errorRatio: calls.all === 0 ? 0 : calls.errors.length / calls.all,
      ackMs: quantiles(acks.map(({ ms }) => ms)),
      renderMs: quantiles(renders.map(({ ms }) => ms)),
    }
  }

  errorsIn(from: number, to: number): { readonly all: number; readonly errors: readonly Call[] } {
    const calls = this.history.calls.filter(({ t_invoke }) => t_invoke >= from && t_invoke < to)
    return { all: calls.length, errors: calls.filter(isError) }
  }
}

const quantiles = (ms: readonly number[]) => ({
  p50: quantile(ms, 0.5),
  p99: quantile(ms, 0.99),
  p999: quantile(ms, 0.999),
})

function judgeUnnoticed(experience: Experience, arrivals: Arrivals, findings: Findings): void {
  const { fault, during, after } = experience
  if (fault === null) return
  const { all, errors } = arrivals.errorsIn(fault.start, fault.stop + AROUND_NS)
  findings.checked(STEP, 'L12', all)
  if (errors.length > 0)
    findings.report(
      'NOTICED',
      `${fault.fault} was noticed by users: ${errors.length} of ${all} calls failed.`,
      errors,
    )
  const p99 = Math.max(during.renderMs.p99 || 0, after.renderMs.p99 || 0)
  if (p99 > DELIVERED_WITHIN_MS)
    findings.report('SLOW', `Around ${fault.fault} the p99 of delivery was ${Math.round(p99)} ms.`, [fault])
}

function judgeProcesses({ samples, faults, header }: History, end: number, findings: Findings): void {
  // Where nothing failed, the end is compared with the beginning.
  const middle = samples[Math.floor(samples.length / 2)]?.t ?? 0
  const first = faults[0]?.start ?? middle
  const healed = faults.length === 0 ? middle : Math.max(...faults.map(({ stop }) => stop))
  for (const instance of header.instances) {
    const own = samples.filter((sample) => sample.instance === instance)
    const base = own.filter(({ t }) => t < first)
    const last = own.filter(({ t }) => t > healed && t <= healed + BACK_WITHIN_NS).slice(-5)
    if (base.length === 0 || last.length === 0) continue
    findings.checked(STEP, 'L14', last.length)
    const median = (some: readonly Sample[], of: (sample: Sample) => number) => quantile(some.map(of), 0.5)
    const rss = median(base, ({ rssBytes }) => rssBytes)
    const grown = [
      median(last, ({ rssBytes }) => rssBytes) > Math.max(rss * BACK.rssFactor, rss + BACK.rssBytes) &&
        'memory',
      median(last, ({ openFiles }) => openFiles) >
        median(base, ({ openFiles }) => openFiles) + BACK.openFiles && 'open files',
      median(last, ({ loopDelayMs }) => loopDelayMs) >
        median(base, ({ loopDelayMs }) => loopDelayMs) + BACK.loopDelayMs && 'event-loop delay',
    ].filter((what) => what !== false)
    if (grown.length === 0) continue
    const what = `${instance} did not come back to its ${grown.join(', ')} of before the faults.`
    findings.report(
      'NOT-BACK',
      what,
      [...base.slice(-2), ...last.slice(-2)],
      Math.min(end, last.at(-1)?.t ?? end),
    )
  }
}
