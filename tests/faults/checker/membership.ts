import { listOf } from './grouping.js'
import type { Call, History } from './history.js'
import type { RunIndex } from './run-index.js'

/** Who belonged to a room, by the seqs of its log and, as far as it is certain, by the clock. */
export class Memberships {
  /** By room and user: the seqs of joining (odd places) and of leaving, in turn. */
  private readonly changes = new Map<string, { readonly seq: number; readonly joined: boolean }[]>()
  private readonly admissions = new Map<string, Call[]>()
  private readonly removals = new Map<string, Call[]>()

  constructor(history: History, { rooms }: RunIndex) {
    for (const [room, { log }] of rooms)
      for (const { seq, event, subject } of log.entries)
        if (event === 'member.joined' || event === 'member.left')
          listOf(this.changes, `${room} ${subject}`).push({ seq, joined: event === 'member.joined' })
    for (const call of history.calls) {
      if (call.room === undefined || call.type === 'fail') continue
      if (call.f === 'accept' || call.f === 'create')
        listOf(this.admissions, `${call.room} ${call.user}`).push(call)
      if (call.f === 'remove') listOf(this.removals, `${call.room} ${call.subject ?? call.user}`).push(call)
    }
  }

  /** Whether the change right at `seq` finds them a member; someone's own removal does, their own admission does not. */
  isMemberBefore(room: string, user: string, seq: number): boolean {
    const before = this.changes.get(`${room} ${user}`)?.filter((change) => change.seq < seq)
    return before?.at(-1)?.joined ?? false
  }

  /** The seq of the first leaving after `seq`, or Infinity. */
  leavesAfter(room: string, user: string, seq: number): number {
    const changes = this.changes.get(`${room} ${user}`) ?? []
    return changes.find((change) => change.seq > seq && !change.joined)?.seq ?? Infinity
  }

  /** When somebody first asked for their removal of those that were not over by `t`; Infinity where nobody did. */
  removalAskedAfter(room: string, user: string, t: number): number {
    return this.removals.get(`${room} ${user}`)?.find(({ t_end }) => t_end >= t)?.t_invoke ?? Infinity
  }

  /** Whether their last word in the log is a leaving. */
  endsOutside(room: string, user: string): boolean {
    return this.changes.get(`${room} ${user}`)?.at(-1)?.joined === false
  }

  /** The seq of the leaving that was the last word on them before `seq`, or null. */
  leftBefore(room: string, user: string, seq: number): number | null {
    const before = this.changes.get(`${room} ${user}`)?.filter((change) => change.seq < seq)
    const last = before?.at(-1)
    return last === undefined || last.joined ? null : last.seq
  }

  /**
   * Whether they could have been let in again by `t` after the leaving at `left`. Each admission makes one joining at most, so
   * that the n-th joining of the log cannot be older than the n-th admission that was asked for.
   */
  mayHaveReturned(room: string, user: string, left: number, t: number): boolean {
    const joinings = (this.changes.get(`${room} ${user}`) ?? []).filter(({ joined }) => joined)
    const next = joinings.findIndex(({ seq }) => seq > left)
    if (next === -1) return false
    const asked = (this.admissions.get(`${room} ${user}`) ?? []).map(({ t_invoke }) => t_invoke)
    return (asked.sort((one, other) => one - other)[next] ?? -Infinity) <= t
  }

  /** Whether they can have been in the room at any time up to `t`. */
  wasEverIn(room: string, user: string, t: number): boolean {
    return listOf(this.admissions, `${room} ${user}`).some(({ t_invoke }) => t_invoke <= t)
  }

  /**
   * The proof that somebody was no member during the whole of a call: the removal whose ack lay `deadlineOf` before it,
   * without an admission that could have followed; `never` where nobody ever let them in. Null where there is none.
   */
  outside(
    room: string,
    user: string,
    span: { readonly from: number; readonly to: number },
    deadlineOf: (ack: number) => number,
  ): Call | 'never' | null {
    const admissions = this.admissions.get(`${room} ${user}`) ?? []
    if (!admissions.some(({ t_invoke }) => t_invoke <= span.to)) return 'never'
    const removals = this.removals.get(`${room} ${user}`) ?? []
    const past = removals.filter(({ type, t_end }) => type === 'ok' && deadlineOf(t_end) < span.from)
    const removal = past.reduce<Call | null>(
      (latest, next) => (latest === null || next.t_invoke > latest.t_invoke ? next : latest),
      null,
    )
    if (removal === null) return null
    const returned = admissions.some((call) => call.t_end >= removal.t_invoke && call.t_invoke <= span.to)
    return returned ? null : removal
  }
}
