import type { Findings } from '../findings.js'
import { groupBy } from '../grouping.js'
import type { Call, Entry, History, Received, Rendered } from '../history.js'
import type { RunIndex } from '../run-index.js'
import { only, type Sighting, sightings } from '../sightings.js'
import { knots, shortestCycle } from './cycles.js'

const STEP = 3

/** Step 3: one order for all. What stands at a seq is the same in every sighting, and no two views contradict each other. */
export function judgeOrder(history: History, index: RunIndex, findings: Findings): void {
  judgeSeqs(history, index, findings)
  judgePushes(history.received, findings)
  judgeViews(history, findings)
}

const nameOf = ({ event, mid, subject }: Pick<Entry, 'event' | 'mid' | 'subject'>): string =>
  `${event} ${mid ?? subject ?? ''}`

function judgeSeqs(history: History, { rooms }: RunIndex, findings: Findings): void {
  for (const sighting of sightings(history)) {
    const { line, room, at, entry, message } = sighting
    const truth = rooms.get(room)
    if (truth === undefined) continue
    const seen = entry ?? (message && { event: 'message.sent', mid: message.mid, seq: message.seq })
    if (seen === null) continue
    findings.checked(STEP, 'L3')
    // A message that is not there at the end is the second step's.
    if (message !== null && !truth.messages.has(message.mid)) continue
    const real = truth.entries[seen.seq]
    const known = message && truth.messages.get(message.mid)
    if (real && nameOf(real) === nameOf(seen) && (!known || known.seq === message?.seq)) continue
    const what = `${line.client} saw ${nameOf(seen)} at seq ${seen.seq} of ${room}, where the log has ${real ? nameOf(real) : 'nothing'}.`
    const log = { ...truth.log, entries: real ? [real] : [] }
    findings.report('SEQ-CONFLICT', what, [only(line, { seq: seen.seq }), log], at)
  }
}

/** Pushes over one connection come in the order of `seq`, each once. */
function judgePushes(received: readonly Received[], findings: Findings): void {
  const last = new Map<string, Received>()
  const seen = new Set<string>()
  for (const line of received) {
    if (line.entry === undefined) continue
    const view = `${line.conn} ${line.room}`
    const before = last.get(view)
    const { seq } = line.entry
    findings.checked(STEP, 'L2')
    findings.checked(STEP, 'L3')
    if (seen.has(`${view} ${seq}`))
      findings.report(
        'PUSHED-TWICE',
        `${line.conn} got seq ${seq} of ${line.room} twice.`,
        [before, line],
        line.t,
      )
    else if (before?.entry && before.entry.seq > seq)
      findings.report(
        'PUSHED-OUT-OF-ORDER',
        `${line.conn} got seq ${seq} of ${line.room} after ${before.entry.seq}.`,
        [before, line],
        line.t,
      )
    seen.add(`${view} ${seq}`)
    if (before?.entry === undefined || before.entry.seq < seq) last.set(view, line)
  }
}

type View = { readonly room: string; readonly mids: readonly string[]; readonly line: Sighting['line'] }

/** Which message stood right before which, whatever their seqs say. */
function judgeViews(history: History, findings: Findings): void {
  const graph = new Map<string, Map<string, Sighting['line']>>()
  for (const { room, mids, line } of views(history))
    for (let at = 1; at < mids.length; at += 1) {
      findings.checked(STEP, 'L3')
      const from = `${room} ${mids[at - 1]}`
      const edges = graph.get(from) ?? new Map<string, Sighting['line']>()
      graph.set(from, edges)
      const to = `${room} ${mids[at]}`
      if (!edges.has(to)) edges.set(to, line)
    }
  const plain = new Map(Array.from(graph, ([from, edges]) => [from, new Set(edges.keys())]))
  for (const knot of knots(plain)) {
    const cycle = shortestCycle(plain, knot)
    const witness = cycle.map((from, at) => {
      const line = graph.get(from)?.get(cycle[(at + 1) % cycle.length] ?? '')
      return line && only(line, { mid: from.split(' ')[1] ?? '' })
    })
    const names = [...cycle, cycle[0]].map((name) => name?.split(' ')[1]).join(' before ')
    findings.report('REORDER', `Views contradict each other: ${names}.`, witness)
  }
}

function* views(history: History): Generator<View> {
  const sent = (entries: readonly (Entry | undefined)[]) =>
    entries.flatMap((entry) => (entry?.event === 'message.sent' && entry.mid ? [entry.mid] : []))
  for (const line of history.calls) {
    const { room, answer } = line
    if (room === undefined || answer === undefined) continue
    if (answer.entries) yield { room, line, mids: sent(answer.entries) }
    if (answer.messagesRange) yield { room, line, mids: (answer.messages ?? []).map(({ mid }) => mid) }
  }
  for (const lines of groupBy(history.received, ({ conn, room }) => `${conn} ${room}`).values())
    yield* pairsOf(lines)
  for (const line of history.rendered) if (line.full) yield* ofScreen(line)
}

/** Of pushes, pair by pair, so that a witness is the push that made it. */
function* pairsOf(lines: readonly Received[]): Generator<View> {
  let before: string | null = null
  for (const line of lines) {
    if (line.entry?.event !== 'message.sent' || line.entry.mid === undefined) continue
    if (before !== null && before !== line.entry.mid)
      yield { room: line.room ?? '', line, mids: [before, line.entry.mid] }
    before = line.entry.mid
  }
}

function* ofScreen(line: Rendered): Generator<View> {
  yield { room: line.room, line, mids: line.items.map(({ mid }) => mid) }
}

/** Step 4: a send that began after another was acked stands after it (L11). */
export function judgeRealTime({ sends, rooms }: RunIndex, findings: Findings): void {
  for (const [room, some] of groupBy(sends.values(), (send) => send.room)) {
    const truth = rooms.get(room)
    if (truth === undefined) continue
    const acks = some
      .flatMap(({ ack }) => (ack ? [{ ack, seq: ack.answer?.messages?.[0]?.seq ?? 0 }] : []))
      .sort((a, b) => a.ack.t_end - b.ack.t_end)
    let next = 0
    let latest: { readonly ack: Call; readonly seq: number } | null = null
    for (const send of some.sort((a, b) => a.firstInvoke - b.firstInvoke)) {
      for (let ack = acks[next]; ack && ack.ack.t_end < send.firstInvoke; ack = acks[next]) {
        if (latest === null || ack.seq > latest.seq) latest = ack
        next += 1
      }
      const seq = truth.byCmid.get(`${send.user} ${send.cmid}`)?.seq
      if (latest === null || seq === undefined) continue
      findings.checked(4, 'L11')
      if (seq <= latest.seq)
        findings.report(
          'NOT-REAL-TIME',
          `${send.cmid} was sent to ${room} after seq ${latest.seq} had been acked, and stands at ${seq}.`,
          [latest.ack, ...send.calls],
          send.firstInvoke,
        )
    }
  }
}
