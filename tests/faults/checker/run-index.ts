import type { Findings } from './findings.js'
import { groupBy } from './grouping.js'
import type { Call, Entry, FinalLog, History, Observed } from './history.js'
import { MalformedHistory } from './history-file.js'

/** Step 1: sends by their client id, and the truth about each room from the logs that were read at the end. */

export type Send = {
  readonly room: string
  readonly user: string
  readonly cmid: string
  readonly body: string
  readonly firstInvoke: number
  /** In the order of their invocation. */
  readonly calls: readonly Call[]
  /** The earliest ack. */
  readonly ack: Call | null
}

export type RoomTruth = {
  readonly log: FinalLog
  /** By seq; 0 is empty. */
  readonly entries: readonly (Entry | undefined)[]
  readonly messages: ReadonlyMap<string, Observed>
  readonly byCmid: ReadonlyMap<string, Observed>
  /** The seqs at which messages were sent, ascending. */
  readonly sentSeqs: readonly number[]
  /** The seq of the deletion, by message. */
  readonly deletions: ReadonlyMap<string, number>
}

export type RunIndex = {
  readonly sends: ReadonlyMap<string, Send>
  readonly rooms: ReadonlyMap<string, RoomTruth>
}

export const sendKey = (room: string, user: string, cmid: string): string => `${room} ${user} ${cmid}`

export function indexRun(history: History, findings: Findings): RunIndex {
  const sends = indexSends(history.calls)
  const rooms = new Map<string, RoomTruth>()
  for (const [room, logs] of groupBy(history.finals, ({ room }) => room)) {
    const log = logs.find(({ source }) => source === 'cold') ?? (logs[0] as FinalLog)
    const truth = truthOf(log)
    rooms.set(room, truth)
    judgeGaps(log, truth, findings)
    for (const other of logs) if (other !== log) compare(log, other, findings)
  }
  for (const { room, ack } of sends.values())
    if (ack !== null && !rooms.has(room)) throw new MalformedHistory(`there is no final log of room ${room}`)
  return { sends, rooms }
}

function indexSends(calls: readonly Call[]): Map<string, Send> {
  const sends = new Map<string, Send & { calls: Call[] }>()
  for (const call of calls) {
    if (call.f !== 'send') continue
    const { room = '', user, cmid = '', body = '' } = call
    const key = sendKey(room, user, cmid)
    const known = sends.get(key)
    if (known !== undefined && known.body !== body)
      throw new MalformedHistory(`client id ${cmid} of ${user} was used for two texts`)
    const ack = [known?.ack, call.type === 'ok' ? call : null].reduce<Call | null>(
      (first, next) => (next && (first === null || next.t_end < first.t_end) ? next : first),
      null,
    )
    const all = known?.calls ?? []
    all.push(call)
    sends.set(key, { room, user, cmid, body, firstInvoke: all[0]?.t_invoke ?? 0, calls: all, ack })
  }
  return sends
}

function truthOf(log: FinalLog): RoomTruth {
  const entries: (Entry | undefined)[] = []
  const messages = new Map<string, Observed>()
  const deletions = new Map<string, number>()
  for (const entry of log.entries) {
    entries[entry.seq] = entry
    if (entry.event === 'message.sent' && entry.message !== undefined)
      messages.set(entry.message.mid, entry.message)
    if (entry.event === 'message.deleted' && entry.mid !== undefined) deletions.set(entry.mid, entry.seq)
  }
  const sent = [...messages.values()].sort((a, b) => a.seq - b.seq)
  return {
    log,
    entries,
    messages,
    byCmid: new Map(sent.map((message) => [`${message.sender} ${message.cmid}`, message])),
    sentSeqs: sent.map(({ seq }) => seq),
    deletions,
  }
}

function judgeGaps(log: FinalLog, { entries }: RoomTruth, findings: Findings): void {
  findings.checked(1, 'L4', log.head)
  for (let seq = 1; seq <= log.head; seq += 1)
    if (entries[seq] === undefined)
      findings.report('HOLE', `The log of ${log.room} has no seq ${seq}, its head being ${log.head}.`, [
        { ...log, entries: log.entries.filter((entry) => Math.abs(entry.seq - seq) <= 1) },
      ])
}

const faceOf = (entry: Entry | undefined): string =>
  entry === undefined
    ? 'nothing'
    : [entry.event, entry.actor, entry.mid, entry.subject, entry.message?.cmid, entry.message?.body].join(' ')

function compare(log: FinalLog, other: FinalLog, findings: Findings): void {
  findings.checked(1, 'L3', other.entries.length)
  const length = Math.max(log.entries.length, other.entries.length)
  for (let index = 0; index < length; index += 1) {
    const [one, two] = [log.entries[index], other.entries[index]]
    if (one?.seq === two?.seq && faceOf(one) === faceOf(two)) continue
    const seq = one?.seq ?? two?.seq
    const what = `At seq ${seq} of ${log.room}, one final log has ${faceOf(one)}, another ${faceOf(two)}.`
    const shown = (of: FinalLog, entry: Entry | undefined) => ({ ...of, entries: entry ? [entry] : [] })
    findings.report('DIFFERENT-FINALS', what, [shown(log, one), shown(other, two)])
    return
  }
}
