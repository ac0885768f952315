import { commitTimes } from '../commit-times.js'
import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import { firstAt } from '../grouping.js'
import type { Answer, Call, History, Range } from '../history.js'
import { type RoomTruth, type RunIndex, sendKey } from '../run-index.js'
import { only } from '../sightings.js'

const STEP = 6
/** A read says something about L7 where a view this old would have been found out: something newer was due by then. */
const RECENT_NS = 30_000 * 1e6

/** Step 6, first half: how new a read must be, and that it holds what it claims to hold. */
export function judgeReads(
  history: History,
  index: RunIndex,
  deadlines: Deadlines,
  findings: Findings,
): void {
  const commits = commitTimes(history, index)
  const acks = new OwnAcks(history, index)
  for (const call of history.calls) {
    const { room, answer } = call
    const truth = index.rooms.get(room ?? '')
    if (call.type !== 'ok' || truth === undefined || answer?.head === undefined) continue
    judgeHead(call, answer.head, { acks, deadlines, findings, known: commits.get(truth.log.room) })
    judgeContent(call, answer, truth, acks, findings)
  }
}

type Ack = { readonly seq: number; readonly call: Call }
type Acks = { readonly times: number[]; readonly highest: Ack[] }

/** What each user was told of their own sends, at any of their clients, in the order of the acks. */
class OwnAcks {
  private readonly lists = new Map<string, Acks>()

  constructor(history: History, { rooms, sends: all }: RunIndex) {
    const sends = history.calls.filter(
      ({ type, f, room }) => type === 'ok' && f === 'send' && rooms.has(room ?? ''),
    )
    for (const call of sends.sort((a, b) => a.t_end - b.t_end)) {
      const seq = call.answer?.messages?.[0]?.seq
      if (seq === undefined) continue
      const key = `${call.user} ${call.room}`
      // Of a send that was made twice, nobody can tell which instance wrote it.
      const once = all.get(sendKey(call.room ?? '', call.user, call.cmid ?? ''))?.calls.length === 1
      for (const each of once ? [key, `${key} ${call.instance}`] : [key]) {
        const list = this.lists.get(each) ?? { times: [], highest: [] }
        this.lists.set(each, list)
        const top = list.highest.at(-1)
        list.times.push(call.t_end)
        list.highest.push(top !== undefined && top.seq > seq ? top : { seq, call })
      }
    }
  }

  /** The highest seq acked to a user before a read of theirs began; with `there`, by the instance that it reads at. */
  highest(read: Call, there: boolean): Ack | null {
    const list = this.lists.get(`${read.user} ${read.room}${there ? ` ${read.instance}` : ''}`)
    return list?.highest[firstAt(list.times, read.t_invoke) - 1] ?? null
  }
}

type Tools = {
  readonly acks: OwnAcks
  readonly deadlines: Deadlines
  readonly findings: Findings
  readonly known: Float64Array | undefined
}

function judgeHead(call: Call, head: number, { acks, deadlines, findings, known }: Tools): void {
  const { room, client, minSeq, t_invoke, t_end } = call
  const read = `A read of ${room} by ${client} at ${call.instance}`
  const witness = only(call, { seq: head })
  if (minSeq !== undefined) {
    findings.checked(STEP, 'L6')
    if (head < minSeq)
      findings.report('STALE', `${read} with minSeq ${minSeq} was answered at ${head}.`, [witness], t_end)
  }
  // What was acked to the user by the same instance, or what it asked for by `minSeq`.
  const any = acks.highest(call, false)
  const own = any !== null && any.seq <= (minSeq ?? 0) ? any : acks.highest(call, true)
  if (own !== null) {
    findings.checked(STEP, 'L5')
    if (head < own.seq)
      findings.report(
        'OWN-WRITE-MISSING',
        `${read} was answered at ${head}, where ${own.seq} had been acked to the user.`,
        [own.call, witness],
        t_end,
      )
  }
  if (known === undefined) return
  const isDue = (seq: number): boolean => {
    const committed = known[seq] ?? Infinity
    return committed < Infinity && deadlines.after(committed, 'L7', call) < t_invoke
  }
  const firstRecent = Math.max(1, firstAt(known, t_invoke - RECENT_NS))
  if (isDue(firstRecent)) findings.checked(STEP, 'L7')
  // The first seq that the answer lacks must be too young to be due.
  if (!isDue(head + 1)) return
  const committed = known[head + 1] ?? 0
  const lateMs = Math.round((t_invoke - committed) / 1e6)
  findings.report(
    'LATE-READ',
    `${read} was answered at ${head}, where ${head + 1} had been seen ${lateMs} ms before.`,
    [witness],
    t_end,
  )
}

function judgeContent(
  call: Call,
  { entries, entriesRange, messages, messagesRange }: Answer,
  truth: RoomTruth,
  acks: OwnAcks,
  findings: Findings,
): void {
  if (entries && entriesRange) {
    const seqs = new Set(entries.map(({ seq }) => seq))
    const all = range(entriesRange)
    findings.checked(STEP, 'L4')
    reportMissing(
      call,
      all.filter((seq) => !seqs.has(seq)),
      acks,
      findings,
    )
  }
  if (messages && messagesRange) {
    const seqs = new Set(messages.map(({ seq }) => seq))
    const { sentSeqs } = truth
    findings.checked(STEP, 'L4')
    const due = sentSeqs.slice(firstAt(sentSeqs, messagesRange.from), firstAt(sentSeqs, messagesRange.to + 1))
    reportMissing(
      call,
      due.filter((seq) => !seqs.has(seq)),
      acks,
      findings,
    )
  }
}

const range = ({ from, to }: Range): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)

function reportMissing(call: Call, missing: readonly number[], acks: OwnAcks, findings: Findings): void {
  const [seq] = missing
  if (seq === undefined) return
  const own = acks.highest(call, false)
  const what = `A read of ${call.room} by ${call.client} at ${call.instance} lacks seq ${seq}`
  if (own?.seq === seq)
    findings.report(
      'OWN-WRITE-MISSING',
      `${what}, which was acked to the user.`,
      [own.call, only(call, { seq })],
      call.t_end,
    )
  else
    findings.report(
      'INCOMPLETE-READ',
      `${what}, within what it claims to show.`,
      [only(call, { seq })],
      call.t_end,
    )
}
