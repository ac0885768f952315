import { BOUNDS_MS, type Bound } from '../bounds.js'
import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import { groupBy } from '../grouping.js'
import type { Call, ConnectionLine, History, PresenceOf, Received } from '../history.js'
import { MalformedHistory } from '../history-file.js'
import type { Memberships } from '../membership.js'
import { endOf, openAtEnd, subscriptionsOf } from '../subscriptions.js'

const STEP = 10
/** A server shows who has come before they have heard that they are in: an open connection was one so long before, at most. */
const CONNECTING_NS = 5_000 * 1e6

/** Step 10: who is shown as there is there, and the reverse, once there was time to learn it (L10). */
export function judgePresence(
  history: History,
  memberships: Memberships,
  deadlines: Deadlines,
  findings: Findings,
): void {
  judgeBook(history)
  const attendance = new Attendance(history)
  const judge = (shown: readonly Shown[], complete: boolean, seen: Seen) => {
    for (const { user, state, line } of shown) {
      const there = attendance.of(user, seen, deadlines)
      const mayNotBeAbsent = there.certainly && (complete || state !== 'offline')
      if (there.goneSince !== null || mayNotBeAbsent) findings.checked(STEP, 'L10')
      if (state !== 'offline' && there.goneSince !== null)
        findings.report(
          'GHOST',
          `${seen.client} was shown ${user} as ${state}, who had gone ${Math.round((seen.from - there.goneSince) / 1e6)} ms before.`,
          [...there.witness, seen.line, line],
          seen.to,
        )
      if (state === 'offline' && complete && there.certainly)
        findings.report(
          'ABSENT',
          `${seen.client} was shown ${user} as offline, who was there.`,
          [...there.witness, seen.line, line],
          seen.to,
        )
    }
  }
  for (const call of history.calls) {
    const { client, instance, answer, t_invoke: from, t_end: to } = call
    if (call.type !== 'ok' || answer?.presence === undefined) continue
    const line: Call = { ...call, answer: { presence: answer.presence } }
    judge(answer.presence, answer.presenceComplete !== false, { client, instance, from, to, line })
  }
  for (const { shown, seen } of viewsAtEnd(history, memberships)) judge(shown, true, seen)
}

/** `line`: what said so, where that is not what is judged. */
type Shown = PresenceOf & { readonly line?: Call | Received }

type Seen = {
  readonly client: string
  readonly instance: string
  readonly from: number
  readonly to: number
  readonly line: Call | ConnectionLine
}

/** The history's own account of the connections must agree with the book of whoever opened them. */
function judgeBook(history: History): void {
  const book = history.sockets.at(-1)
  if (book === undefined) return
  const open = new Set(openAtEnd(history).map(({ conn }) => conn))
  const differ = [
    ...book.open.filter((conn) => !open.has(conn)),
    ...[...open].filter((conn) => !book.open.includes(conn)),
  ]
  if (differ.length > 0)
    throw new MalformedHistory(`it is unclear whether ${differ.join(', ')} was open at the end`)
}

type Stay = { readonly open: ConnectionLine; readonly close: ConnectionLine | null; readonly bound: Bound }

/** When each user's sockets were open. */
class Attendance {
  private readonly stays = new Map<string, Stay[]>()
  /** Since when nobody can say any more that a login has not ended. */
  private readonly ends = new Map<string, number>()

  constructor(private readonly history: History) {
    for (const { f, type, ends, t_invoke } of history.calls)
      if (f === 'revoke' && type !== 'fail')
        for (const session of ends ?? [])
          this.ends.set(session, Math.min(this.ends.get(session) ?? Infinity, t_invoke))
    const closes = new Map<string, ConnectionLine>()
    for (const line of history.connections)
      if (line.event === 'close' && !closes.has(line.conn)) closes.set(line.conn, line)
    for (const open of history.connections) {
      if (open.event !== 'open') continue
      const close = closes.get(open.conn) ?? null
      const stays = this.stays.get(open.user) ?? []
      this.stays.set(open.user, stays)
      stays.push({ open, close, bound: close === null ? 'L10-disconnect' : this.boundOf(close) })
    }
  }

  /**
   * `goneSince`: all their sockets were lost for longer than a bound, the last one then. `certainly`: one has been open for
   * long enough, and was during all of it. The socket of an ended login makes nobody present, whoever has not closed it yet.
   */
  of(
    user: string,
    seen: Seen,
    deadlines: Deadlines,
  ): {
    readonly goneSince: number | null
    readonly certainly: boolean
    readonly witness: readonly ConnectionLine[]
  } {
    const stays = (this.stays.get(user) ?? []).filter(({ open }) => open.t <= seen.to + CONNECTING_NS)
    const lasting = stays.find(
      ({ open, close }) =>
        deadlines.after(open.t, 'L10-disconnect', seen) < seen.from &&
        (close?.t ?? Infinity) > seen.to &&
        (this.ends.get(open.session) ?? Infinity) > seen.to,
    )
    const gone = stays.every(
      ({ close, bound }) => close !== null && deadlines.after(close.t, bound, seen) < seen.from,
    )
    const last = stays.reduce<Stay | null>(
      (latest, stay) => ((stay.close?.t ?? 0) > (latest?.close?.t ?? -1) ? stay : latest),
      null,
    )
    return {
      goneSince: gone ? (last?.close?.t ?? 0) : null,
      certainly: lasting !== undefined,
      witness: [lasting?.open ?? last?.close].filter((line) => line !== undefined && line !== null),
    }
  }

  /** A process that died before it owed anyone the end of a stay has left that to the others, as it did those that it ended. */
  private boundOf(close: ConnectionLine): Bound {
    const { faults, calls } = this.history
    const signedOut = calls.some(
      ({ f, type, ends, t_invoke }) =>
        f === 'revoke' && type === 'ok' && ends?.includes(close.session) && t_invoke <= close.t,
    )
    const bound = signedOut ? 'L10-sign-out' : 'L10-disconnect'
    const killed = faults.some(
      ({ kills, target, start, stop }) =>
        kills &&
        close.t <= stop &&
        ((target === close.instance && start <= close.t + BOUNDS_MS[bound] * 1e6) ||
          (target === close.client && start <= close.t)),
    )
    return killed ? 'L10-death' : bound
  }
}

/**
 * What each subscribed socket has been told of everyone by the end: its join's answer, and the pushes since. Of those who
 * left the room meanwhile nothing is owed, nor to them.
 */
function* viewsAtEnd(history: History, memberships: Memberships): Generator<{ shown: Shown[]; seen: Seen }> {
  const end = endOf(history)
  const open = new Map(openAtEnd(history).map((line) => [line.conn, line]))
  const pushes = groupBy(
    history.received.filter(({ presence }) => presence !== undefined),
    ({ conn, room }) => `${conn} ${room}`,
  )
  for (const { join, conn, room, to } of subscriptionsOf(history)) {
    const line = open.get(conn)
    if (line === undefined || to < end) continue
    const states = new Map<string, Shown>()
    for (const each of join.answer?.presence ?? [])
      states.set(each.user, { ...each, line: { ...join, answer: { presence: [each] } } })
    for (const push of pushes.get(`${conn} ${room}`) ?? []) {
      const { presence, t } = push
      if (presence !== undefined && t >= join.t_invoke) states.set(presence.user, { ...presence, line: push })
    }
    const seen = { client: join.client, instance: join.instance, from: end, to: end, line }
    const { head = 0 } = join.answer ?? {}
    const stayed = ({ user }: { readonly user: string }) =>
      memberships.leavesAfter(room, user, head) === Infinity
    if (!stayed(join)) continue
    yield { shown: [...states.values()].filter(stayed), seen }
  }
}
