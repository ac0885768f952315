import type { Findings } from '../findings.js'
import { firstAt, groupBy } from '../grouping.js'
import type { History, Observed, Rendered } from '../history.js'
import type { Memberships } from '../membership.js'
import type { RoomTruth, RunIndex } from '../run-index.js'
import { endOf, openAtEnd, subscriptionsOf } from '../subscriptions.js'

const STEP = 5

/** Step 5, second half: what clients show is the room, in order, each message once, and at the end all of it. */
export function judgeScreens(
  history: History,
  index: RunIndex,
  memberships: Memberships,
  findings: Findings,
): void {
  const lasting = lastingRooms(history)
  for (const lines of groupBy(history.rendered, ({ client, room }) => `${client} ${room}`).values()) {
    const truth = index.rooms.get(lines[0]?.room ?? '')
    if (truth === undefined) continue
    const screen = new Screen(truth, findings)
    for (const line of lines) screen.show(line)
    const last = lines.at(-1) as Rendered
    const stays = !memberships.endsOutside(last.room, last.user)
    if (last.full && stays && lasting.has(`${last.client} ${last.room}`)) judgeLast(last, truth, findings)
  }
}

/** The clients and rooms that were subscribed when the run ended. */
function lastingRooms(history: History): Set<string> {
  const end = endOf(history)
  const open = new Set(openAtEnd(history).map(({ conn }) => conn))
  const lasting = subscriptionsOf(history).filter(({ conn, to }) => open.has(conn) && to === end)
  return new Set(lasting.map(({ join, room }) => `${join.client} ${room}`))
}

class Screen {
  private shown = new Map<string, Observed>()
  private lowest = Infinity

  constructor(
    private readonly truth: RoomTruth,
    private readonly findings: Findings,
  ) {}

  show(line: Rendered): void {
    this.findings.checked(STEP, 'L2')
    this.findings.checked(STEP, 'L3')
    const told = this.shown
    if (line.full) {
      this.shown = new Map()
      this.lowest = Infinity
      this.judgeSorted(line)
    }
    const mids = new Set<string>()
    let twice: Observed | null = null
    for (const item of line.items) {
      if (mids.has(item.mid)) twice = item
      mids.add(item.mid)
      this.judgeTombstone(told.get(item.mid), item, line)
      this.shown.set(item.mid, item)
      this.lowest = Math.min(this.lowest, item.seq)
    }
    if (twice || this.shown.size < line.shown) {
      const what = `${line.client} shows ${twice?.mid ?? 'a message'} of ${line.room} twice.`
      this.findings.report('RENDERED-TWICE', what, [trimmed(line, twice ? [twice] : [])], line.t)
    } else this.judgeWhole(line)
  }

  private judgeSorted(line: Rendered): void {
    const at = line.items.findIndex((item, index) => item.seq < (line.items[index - 1]?.seq ?? 0))
    if (at > 0)
      this.findings.report(
        'RENDERED-OUT-OF-ORDER',
        `${line.client} shows ${line.room} out of order.`,
        [trimmed(line, line.items.slice(at - 1, at + 1))],
        line.t,
      )
  }

  private judgeTombstone(before: Observed | undefined, now: Observed, line: Rendered): void {
    this.findings.checked(STEP, 'L6')
    if (before?.deleted && !now.deleted)
      this.findings.report(
        'RESURRECTED',
        `${line.client} shows the text of ${now.mid} after its tombstone.`,
        [trimmed(line, [now])],
        line.t,
      )
  }

  /** From the oldest message shown up to the head, everything. */
  private judgeWhole(line: Rendered): void {
    this.findings.checked(STEP, 'L4')
    if (this.lowest === Infinity) return
    const { sentSeqs } = this.truth
    const expected = firstAt(sentSeqs, line.head + 1) - firstAt(sentSeqs, this.lowest)
    if (expected === line.shown && this.shown.size === line.shown) return
    const shown = new Set(Array.from(this.shown.values(), ({ seq }) => seq))
    const missing = sentSeqs.find((seq) => seq >= this.lowest && seq <= line.head && !shown.has(seq))
    this.findings.report(
      'RENDERED-WITH-A-HOLE',
      `${line.client} has seqs up to ${line.head} of ${line.room} and shows ${line.shown} messages from ${this.lowest} on, not ${expected}; ${missing === undefined ? 'none' : `seq ${missing}`} is missing.`,
      [trimmed(line, [])],
      line.t,
    )
  }
}

const trimmed = (line: Rendered, items: readonly Observed[]): Rendered => ({ ...line, items })

function judgeLast(line: Rendered, truth: RoomTruth, findings: Findings): void {
  findings.checked(STEP, 'L4')
  if (line.head !== truth.log.head) {
    const what = `${line.client} ends with seq ${line.head} of ${line.room}, whose head is ${truth.log.head}.`
    findings.report('RENDERED-WITH-A-HOLE', what, [trimmed(line, [])], line.t)
  }
  for (const item of line.items) {
    findings.checked(STEP, 'L3')
    const real = truth.messages.get(item.mid)
    if (real === undefined || (real.body === item.body && real.deleted === item.deleted)) continue
    const what = `${line.client} ends with another text of ${item.mid} in ${line.room} than is stored.`
    const stored = truth.log.entries.filter(({ event, mid }) => event === 'message.sent' && mid === item.mid)
    findings.report('RENDERED-OTHERWISE', what, [trimmed(line, [item]), { ...truth.log, entries: stored }])
  }
}
