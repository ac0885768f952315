import { commitTimes } from '../commit-times.js'
import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import { groupBy } from '../grouping.js'
import type { Call, History, Received } from '../history.js'
import type { Memberships } from '../membership.js'
import type { RunIndex } from '../run-index.js'
import { only } from '../sightings.js'
import { type Subscription, subscriptionsOf } from '../subscriptions.js'

const STEP = 5

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

type Tools = { readonly deadlines: Deadlines; readonly memberships: Memberships; readonly findings: Findings }

/** Step 5: whoever is subscribed gets every event, and in time. */
export function judgeGaps(history: History, index: RunIndex, tools: Tools): void {
  const coverage = new Coverage(history)
  const commits = commitTimes(history, index)
  const pushes = groupBy(history.received, ({ conn, room }) => `${conn} ${room}`)
  for (const subscription of subscriptionsOf(history)) {
    const { room, conn, join } = subscription
    const known = commits.get(room)
    if (known === undefined) continue
    for (const missed of missedBy(subscription, known, coverage, tools)) {
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
  coverage: Coverage,
  { deadlines, memberships, findings }: Tools,
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
    if (deadline > to) continue
    findings.checked(STEP, 'L4')
    findings.checked(STEP, 'L7')
    const at = coverage.get(join.client, room, seq)
    if (at === null || at > deadline) yield { seq, at, deadline }
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
