import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import type { Call, CallKind, History } from '../history.js'
import type { Memberships } from '../membership.js'
import type { RoomTruth, RunIndex, Send } from '../run-index.js'
import { only } from '../sightings.js'

/** What changes something; it is refused from the ack on. Everything else may still be answered within the bound. */
const WRITES: ReadonlySet<CallKind> = new Set([
  'send',
  'edit',
  'delete',
  'create',
  'accept',
  'remove',
  'revoke',
  'login',
])

/** What makes a member, and what tells nothing: a socket may always leave a room that it is not in. */
const OPEN_TO_ALL: ReadonlySet<CallKind> = new Set(['create', 'accept', 'leave'])

/** How whoever is outside a room is refused. Refused for another reason, a call tells nothing about L8. */
const REFUSED_OUTSIDE: ReadonlySet<string> = new Set(['NOT_FOUND', 'FORBIDDEN'])
/** How an ended login is refused. */
const REFUSED_ENDED = 'UNAUTHENTICATED'

/** Step 7: rooms are for their members only. What counts as a check is an attempt from outside. */
export function judgeMembership(
  history: History,
  index: RunIndex,
  memberships: Memberships,
  deadlines: Deadlines,
  findings: Findings,
): void {
  for (const truth of index.rooms.values()) judgeActors(truth, memberships, findings)
  for (const call of history.calls) {
    const { room, user, t_invoke: from, t_end: to } = call
    if (room === undefined || OPEN_TO_ALL.has(call.f)) continue
    if (call.type !== 'ok' && !REFUSED_OUTSIDE.has(call.code ?? '')) continue
    const writes = WRITES.has(call.f)
    const proof = memberships.outside(room, user, { from, to }, (ack) =>
      writes ? ack : deadlines.after(ack, 'L8', call),
    )
    if (proof === null) continue
    findings.checked(7, 'L8')
    if (call.type !== 'ok') continue
    const since = proof === 'never' ? 'who was never in it' : 'after its removal was acked'
    const kind = writes ? 'INTRUDER' : 'LEAK'
    const witness = [proof === 'never' ? null : proof, only(call, { seq: 0 })]
    findings.report(kind, `A ${call.f} in ${room} was answered to ${user}, ${since}.`, witness, to)
  }
  for (const line of history.received) judgePush(line, memberships, deadlines, findings)
}

/** Whoever changes a room belongs to it at that seq. */
function judgeActors({ log }: RoomTruth, memberships: Memberships, findings: Findings): void {
  for (const entry of log.entries) {
    if (entry.event === 'member.joined' || entry.seq === 1) continue
    if (memberships.isMemberBefore(log.room, entry.actor, entry.seq)) continue
    const what = `${entry.actor} changed ${log.room} at seq ${entry.seq} (${entry.event}) and was no member.`
    const about = log.entries.filter(({ subject, seq }) => subject === entry.actor || seq === entry.seq)
    findings.report('INTRUDER', what, [{ ...log, entries: about }])
  }
}

function judgePush(
  line: History['received'][number],
  memberships: Memberships,
  deadlines: Deadlines,
  findings: Findings,
): void {
  const { room, user, entry, t } = line
  if (room === undefined || line.removed) return
  if (entry !== undefined) {
    const left = memberships.leftBefore(room, user, entry.seq)
    if (left !== null && !memberships.mayHaveReturned(room, user, left, t))
      findings.report(
        'LEAK',
        `${user} was pushed seq ${entry.seq} of ${room}, and was removed at ${left}.`,
        [line],
        t,
      )
    else if (!memberships.wasEverIn(room, user, t))
      findings.report(
        'LEAK',
        `${user} was pushed seq ${entry.seq} of ${room}, and was never in it.`,
        [line],
        t,
      )
    return
  }
  const span = { from: t, to: t }
  const proof = memberships.outside(room, user, span, (ack) => deadlines.after(ack, 'L8', line))
  if (proof === null) return
  const witness = [proof === 'never' ? null : proof, line]
  findings.report('LEAK', `${user} got ${line.event} of ${room} and is no member.`, witness, t)
}

/** Step 8: an ended login does nothing more and is told nothing more. What counts is what it tried after its end. */
export function judgeRevocation(
  history: History,
  index: RunIndex,
  deadlines: Deadlines,
  findings: Findings,
): void {
  const ended = new Map<string, Call>()
  for (const call of history.calls.filter(({ type, f }) => type === 'ok' && f === 'revoke'))
    for (const session of call.ends ?? [])
      if (call.t_end < (ended.get(session)?.t_end ?? Infinity)) ended.set(session, call)
  for (const call of history.calls) {
    const end = ended.get(call.session)
    if (end === undefined || call === end) continue
    if (call.type !== 'ok' && call.code !== REFUSED_ENDED) continue
    const until = WRITES.has(call.f) ? end.t_end : deadlines.after(end.t_end, 'L9', call)
    if (call.t_invoke <= until) continue
    findings.checked(8, 'L9')
    if (call.type === 'ok')
      findings.report(
        'ZOMBIE',
        `${call.session} had ended, and its ${call.f} was answered.`,
        [end, only(call, { seq: 0 })],
        call.t_end,
      )
  }
  for (const line of history.received) {
    const end = ended.get(line.session)
    // The notice of the end itself says nothing that must be kept.
    if (end === undefined || line.event === 'session:ended') continue
    if (line.t > deadlines.after(end.t_end, 'L9', line))
      findings.report('ZOMBIE', `${line.session} had ended, and got ${line.event}.`, [end, line], line.t)
  }
  for (const send of index.sends.values()) judgeLateSend(send, index, ended, findings)
}

/** A send that was made with an ended login only is not stored, whatever was answered. */
function judgeLateSend(send: Send, { rooms }: RunIndex, ended: Map<string, Call>, findings: Findings): void {
  const late = send.calls.every((call) => call.t_invoke > (ended.get(call.session)?.t_end ?? Infinity))
  if (!late || send.calls.every(({ code }) => code === 'NOT_SENT')) return
  findings.checked(8, 'L9')
  if (!rooms.get(send.room)?.byCmid.has(`${send.user} ${send.cmid}`)) return
  const [first] = send.calls
  const end = ended.get(first?.session ?? '')
  findings.report('ZOMBIE', `${send.cmid} was sent with an ended login and is stored.`, [end, ...send.calls])
}

/** Step 9: an answer about a room holds no text of another, and no answer holds a text of a room that is none of the user's. */
export function judgeCanaries(history: History, memberships: Memberships, findings: Findings): void {
  const judge = (line: Call | History['received'][number], canaries: readonly string[], t: number) => {
    findings.checked(9, 'L13')
    for (const canary of canaries) {
      const [room = ''] = canary.split(':')
      if (line.room === undefined ? memberships.wasEverIn(room, line.user, t) : room === line.room) continue
      const where = line.room === undefined ? 'no room' : line.room
      const what = `${line.client} got a text of ${room} (${canary}) where it had asked for ${where}.`
      findings.report('CROSS', what, [line.type === 'recv' ? line : only(line, { seq: 0 })], t)
    }
  }
  for (const call of history.calls) {
    if (call.answer !== undefined) judge(call, call.answer.canaries ?? [], call.t_end)
    if (call.canaries !== undefined) judgeRefusal(call, call.canaries, memberships, findings)
  }
  for (const line of history.received) judge(line, line.canaries ?? [], line.t)
}

/** A refusal may repeat what its caller wrote, and tells no text of anybody else. */
function judgeRefusal(
  call: Call,
  canaries: readonly string[],
  memberships: Memberships,
  findings: Findings,
): void {
  findings.checked(9, 'L13')
  const span = { from: call.t_invoke, to: call.t_end }
  for (const canary of canaries) {
    const [room = '', user = ''] = canary.split(':')
    const isOwn = user === call.user
    const isInside = memberships.outside(room, call.user, span, (ack) => ack) === null
    if (isOwn || ((call.room === undefined || room === call.room) && isInside)) continue
    const what = `${call.client} was refused a ${call.f} with a text of ${room} (${canary}).`
    findings.report('CROSS', what, [call], call.t_end)
  }
}
