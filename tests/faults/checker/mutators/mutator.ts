import type { Kind } from '../findings.js'
import type { Call, Entry, FinalLog, Line, Observed, Received, Rendered } from '../history.js'
import type { Chance } from '../model/clockwork.js'

/** One way to spoil a history, and what the checker must say to it. */
export type Mutator = {
  readonly finds: Kind
  /** The spoilt history, or null where this one has nothing to spoil in that way. */
  readonly spoil: (lines: readonly Line[], chance: Chance) => Line[] | null
}

export const isCall = (line: Line): line is Call =>
  line.type === 'ok' || line.type === 'fail' || line.type === 'info'
export const isOk = (line: Line): line is Call => line.type === 'ok'
export const isPush = (line: Line): line is Received => line.type === 'recv'
export const isScreen = (line: Line): line is Rendered => line.type === 'render'
export const isFinal = (line: Line): line is FinalLog => line.type === 'final'
export const isEntryPush = (line: Line): line is Received & { entry: Entry; room: string } =>
  line.type === 'recv' && line.entry !== undefined

export const MS = 1e6

/** One of those that fit, or null. */
export function oneOf<T>(items: readonly T[], chance: Chance): T | null {
  return items.length === 0 ? null : chance.pick(items)
}

/** The history with one line changed. */
export const exchange = <L extends Line>(lines: readonly Line[], old: L, changed: L): Line[] =>
  lines.map((line) => (line === old ? changed : line))

/** The history with every final log of a room changed alike. */
export const changeFinals = (
  lines: readonly Line[],
  room: string,
  change: (entries: readonly Entry[]) => readonly Entry[],
): Line[] =>
  lines.map((line) => {
    if (!isFinal(line) || line.room !== room) return line
    const entries = change(line.entries)
    return { ...line, entries, head: Math.max(line.head, entries.at(-1)?.seq ?? 0) }
  })

export const coldLog = (lines: readonly Line[], room: string | undefined): FinalLog | null =>
  lines.find((line): line is FinalLog => isFinal(line) && line.room === room && line.source === 'cold') ??
  null

/** With a message put at the end of a room's final logs. */
export function appendMessage(
  lines: readonly Line[],
  room: string,
  message: Omit<Observed, 'seq' | 'deleted'>,
): Line[] {
  const seq = (coldLog(lines, room)?.head ?? 0) + 1
  const observed = { ...message, seq, deleted: false }
  const entry = { seq, event: 'message.sent', actor: message.sender, mid: message.mid, message: observed }
  return changeFinals(lines, room, (entries) => [...entries, entry])
}

/** With a message changed wherever a final log shows it. */
export const changeFinalMessage = (
  lines: readonly Line[],
  room: string,
  mid: string,
  change: Partial<Observed>,
): Line[] =>
  changeFinals(lines, room, (entries) =>
    entries.map((entry) =>
      entry.message?.mid === mid ? { ...entry, message: { ...entry.message, ...change } } : entry,
    ),
  )

/** Acked sends that were made once. */
export function singleSends(lines: readonly Line[]): Call[] {
  const calls = lines.filter(isCall).filter(({ f }) => f === 'send')
  const times = new Map<string, number>()
  for (const { user, cmid } of calls) times.set(`${user} ${cmid}`, (times.get(`${user} ${cmid}`) ?? 0) + 1)
  return calls.filter(({ type, user, cmid }) => type === 'ok' && times.get(`${user} ${cmid}`) === 1)
}

export const midOf = (call: Call): string => call.answer?.messages?.[0]?.mid ?? ''

/** Removals after which nobody let the user in again: the user, the room, and when it was acked. */
export function lastingRemovals(lines: readonly Line[]): { room: string; user: string; t: number }[] {
  const calls = lines.filter(isCall)
  return calls.flatMap(({ type, f, room, subject, t_invoke, t_end }) => {
    if (type !== 'ok' || f !== 'remove' || room === undefined || subject === undefined) return []
    const back = calls.some(
      (call) =>
        call.f === 'accept' &&
        call.type !== 'fail' &&
        call.user === subject &&
        call.room === room &&
        call.t_end >= t_invoke,
    )
    return back ? [] : [{ room, user: subject, t: t_end }]
  })
}

/** Ended logins, and when that was acked. */
export const endedSessions = (lines: readonly Line[]): { session: string; t: number }[] =>
  lines
    .filter(isOk)
    .flatMap(({ f, ends, t_end }) =>
      f === 'revoke' ? (ends ?? []).map((session) => ({ session, t: t_end })) : [],
    )

const READS = new Set(['history', 'search', 'presence'])
export const reads = (lines: readonly Line[]): Call[] =>
  lines
    .filter(isOk)
    .filter(({ f, room, answer }) => READS.has(f) && room !== undefined && answer?.head !== undefined)
