import { commitTimes } from '../commit-times.js'
import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import { firstAt, groupBy } from '../grouping.js'
import type { Call, History, Received } from '../history.js'
import type { Memberships } from '../membership.js'
import type { RunIndex } from '../run-index.js'
import { only } from '../sightings.js'
import { endOf, type Subscription, subscriptionsOf } from '../subscriptions.js'

const STEP = 5
/** By when a client that stays has asked for what it saw to be missing: the contract has it do so at once. */
const ASKED_WITHIN_NS = 5_000 * 1e6

/** When a client first had a seq of a room, by push or by catching up. */
class Coverage {
  private readonly seen = new Map<string, Map<number, number>>()

  constructor(history: History) {
    for (const { client, room, entry, t } of history.received)
      if (room !== undefined && entry !== undefined) this.add(client, room, entry.seq, t)
    for (const { client, room, answer, t_end } of history.calls)
      for (const { seq } of answer?.entries ?? []) this.add(client, room ?? '', seq, t_end)
  }

  get(client: string, room: string, seq: number): number | null {
    return this.seen.get(`${client} ${room}`)?.get(seq) ?? null
  }

  private add(client: string, room: string, seq: number, t: number): void {
    const key = `${client} ${room}`
    const seqs = this.seen.get(key) ?? new Map<number, number>()
    this.seen.set(key, seqs)
    seqs.set(seq, Math.min(seqs.get(seq) ?? Infinity, t))
  }
}

/**
 * Whether a seq must have come whatever the bound of L7 is: L4 knows no time. That is so where the subscription lasted to the
 * end of the run, when all is at rest, and where a later seq was pushed, so that its client could see the hole, and asked in
 * vain neither then nor later.
 */
class Holes {
  /** By connection and room: pushes by seq, ascending, and the first time that one of this seq or a later one came. */
  private readonly later = new Map<string, { readonly seqs: number[]; readonly times: number[] }>()
  private readonly end: number
  private readonly repairs: Map<string, Call[]>

  constructor(history: History) {
    this.end = endOf(history)
    const asked = history.calls.filter(({ f }) => f === 'join' || f === 'sync')
    this.repairs = groupBy(asked, ({ client, room }) => `${client} ${room}`)
    const pushed = history.received.flatMap(({ conn, room, entry, t }) =>
      entry === undefined ? [] : [{ key: `${conn} ${room}`, seq: entry.seq, t }],
    )
    for (const [key, some] of groupBy(pushed, (push) => push.key)) {
      const sorted = some.sort((a, b) => a.seq - b.seq)
      const times = sorted.map(({ t }) => t)
      for (let at = times.length - 2; at >= 0; at -= 1)
        times[at] = Math.min(times[at] as number, times[at + 1] as number)
      this.later.set(key, { seqs: sorted.map(({ seq }) => seq), times })
    }
  }

  mustBeFilled({ conn, room, join, from, to }: Subscription, seq: number, until: number): boolean {
    if (to >= this.end && until >= to) return true
    const pushes = this.later.get(`${conn} ${room}`)
    const seen = Math.max(from, pushes?.times[firstAt(pushes.seqs, seq + 1)] ?? Infinity)
    if (seen + ASKED_WITHIN_NS > until) return false
    // Who asks and is not answered, as by a frozen database, cannot have it.
    const inVain = (call: Call) => call.t_end > seen && (call.type !== 'ok' || call.t_end > until)
    return !this.repairs.get(`${join.client} ${room}`)?.some(inVain)
  }
}

type Tools = { readonly deadlines: Deadlines; readonly memberships: Memberships; readonly findings: Findings }

/** Step 5: whoever is subscribed gets every event, and in time. */
export function judgeGaps(history: History, index: RunIndex, tools: Tools): void {
  const coverage = new Coverage(history)
  const holes = new Holes(history)
  const commits = commitTimes(history, index)
  const pushes = groupBy(history.received, ({ conn, room }) => `${conn} ${room}`)
  for (const subscription of subscriptionsOf(history)) {
    const { room, conn, join } = subscription
    const known = commits.get(room)
    if (known === undefined) continue
    for (const missed of missedBy(subscription, known, { coverage, holes, ...tools })) {
      const { seq, at, deadline } = missed
      const who = `${join.client} on ${conn}`
      const witness = [
        only(join, { seq }),
        ...around(pushes.get(`${conn} ${room}`) ?? [], seq),
        senderOf(history, index, room, seq),
      ]
      if (at === null)
        tools.findings.report('GAP', `${who} never got seq ${seq} of ${room}.`, witness, deadline)
      else {
        const lateMs = Math.round((at - deadline) / 1e6)
        const what = `${who} got seq ${seq} of ${room} ${lateMs} ms after it was due.`
        tools.findings.report('LATE', what, witness, at)
      }
    }
  }
}

function* missedBy(
  subscription: Subscription,
  known: Float64Array,
  { coverage, holes, deadlines, memberships, findings }: Tools & { coverage: Coverage; holes: Holes },
): Generator<{ seq: number; at: number | null; deadline: number }> {
  const { join, room, head, from } = subscription
  const last = memberships.leavesAfter(room, join.user, head)
  // What a removed member had not got yet, it may no longer ask for.
  const removal = last === Infinity ? Infinity : memberships.removalAskedAfter(room, join.user, from)
  const to = Math.min(subscription.to, removal)
  for (let seq = head + 1; seq <= last; seq += 1) {
    const committed = known[seq] ?? Infinity
    if (committed > to) return
    const deadline = deadlines.after(Math.max(committed, from), 'L7', join)
    const isDue = deadline <= to
    if (!isDue && !holes.mustBeFilled(subscription, seq, to)) continue
    findings.checked(STEP, 'L4')
    if (isDue) findings.checked(STEP, 'L7')
    const at = coverage.get(join.client, room, seq)
    if (at === null || (isDue && at > deadline)) yield { seq, at, deadline: isDue ? deadline : to }
  }
}

/** The pushes right before and right after a seq. */
function around(pushes: readonly Received[], seq: number): Received[] {
  const seqOf = (line: Received | undefined) => line?.entry?.seq ?? 0
  const before = pushes.filter((line) => line.entry && seqOf(line) < seq)
  const after = pushes.find((line) => seqOf(line) > seq)
  const same = pushes.find((line) => seqOf(line) === seq)
  return [before.at(-1), same, after].filter((line) => line !== undefined)
}

function senderOf(history: History, { rooms }: RunIndex, room: string, seq: number): Call | null {
  const entry = rooms.get(room)?.entries[seq]
  const isIt = ({ f, cmid, user, mid }: Call) =>
    entry?.event === 'message.sent'
      ? f === 'send' && cmid === entry.message?.cmid && user === entry.message?.sender
      : (f === 'edit' || f === 'delete') && mid === entry?.mid
  return history.calls.find((call) => call.room === room && isIt(call)) ?? null
}
