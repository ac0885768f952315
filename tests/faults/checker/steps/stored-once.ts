import { parseBody } from '../bodies.js'
import type { Findings } from '../findings.js'
import type { FinalLog, History, Observed } from '../history.js'
import { type RoomTruth, type RunIndex, type Send, sendKey } from '../run-index.js'
import { only, sightings } from '../sightings.js'

const STEP = 2

/** Step 2: what was acked is there, once; what is there was sent; what was refused is not there; all saw the same. */
export function judgeStorage(history: History, index: RunIndex, findings: Findings): void {
  for (const send of index.sends.values()) judgeSend(send, index.rooms.get(send.room), findings)
  for (const truth of index.rooms.values()) judgeStored(truth, index, findings)
  judgeSightings(history, index, findings)
}

function judgeSend(send: Send, truth: RoomTruth | undefined, findings: Findings): void {
  const stored = truth?.byCmid.get(`${send.user} ${send.cmid}`) ?? null
  const { ack, calls } = send
  const what = `The send ${send.cmid} of ${send.user} in ${send.room}`
  if (ack === null && calls.every(({ type }) => type === 'fail')) {
    findings.checked(STEP, 'L15')
    if (stored) findings.report('LIAR', `${what} was refused, and it is stored.`, calls, calls[0]?.t_end)
  }
  if (ack === null) return
  findings.checked(STEP, 'L1')
  if (stored === null) {
    findings.report('LOST', `${what} was acked and is not stored.`, calls, ack.t_end)
    return
  }
  for (const call of calls) {
    const answered = call.type === 'ok' ? call.answer?.messages?.[0] : undefined
    if (answered === undefined) continue
    findings.checked(STEP, 'L2')
    if (answered.mid !== stored.mid || answered.seq !== stored.seq)
      findings.report(
        'ANOTHER-ANSWER',
        `${what} was answered as ${answered.mid} at ${answered.seq} and is ${stored.mid} at ${stored.seq}.`,
        [ack === call ? null : ack, call],
        call.t_end,
      )
  }
}

const shown = (log: FinalLog, ...messages: readonly Observed[]): FinalLog => ({
  ...log,
  entries: log.entries.filter(({ message }) => message && messages.some(({ mid }) => mid === message.mid)),
})

function judgeStored(truth: RoomTruth, { sends }: RunIndex, findings: Findings): void {
  const { log, messages } = truth
  const byCmid = new Map<string, Observed>()
  const byText = new Map<string, Observed>()
  for (const message of messages.values()) {
    findings.checked(STEP, 'L2')
    const key = sendKey(log.room, message.sender, message.cmid)
    const body = message.deleted ? null : parseBody(message.body)
    const text = body === null ? null : `${body.room}:${body.user}:${body.counter}`
    const twin = byCmid.get(key) ?? (text === null ? undefined : byText.get(text))
    if (twin)
      findings.report('DUPLICATE-MESSAGE', `${message.cmid} of ${message.sender} is stored twice.`, [
        ...(sends.get(key)?.calls ?? []),
        shown(log, twin, message),
      ])
    byCmid.set(key, message)
    if (text !== null) byText.set(text, message)
    judgeOrigin(message, sends.get(key), log, findings)
  }
}

function judgeOrigin(message: Observed, send: Send | undefined, log: FinalLog, findings: Findings): void {
  findings.checked(STEP, 'L13')
  const what = `The message ${message.mid} in ${log.room}`
  if (send === undefined) findings.report('PHANTOM', `${what} was sent by nobody.`, [shown(log, message)])
  else if (!message.deleted && !message.body.startsWith(send.body))
    findings.report('PHANTOM', `${what} has a text that was never sent.`, [
      ...send.calls,
      shown(log, message),
    ])
}

function judgeSightings(history: History, { rooms, sends }: RunIndex, findings: Findings): void {
  for (const { line, room, at, message } of sightings(history)) {
    if (message === null) continue
    findings.checked(STEP, 'L3')
    if (rooms.get(room)?.messages.has(message.mid) ?? true) continue
    const who = `${message.mid}, seen by ${line.client} in ${room},`
    const send = sends.get(sendKey(room, message.sender, message.cmid))
    const witness = [...(send?.calls ?? []), only(line, message)]
    if (send === undefined) findings.report('PHANTOM', `${who} was sent by nobody.`, witness, at)
    else findings.report('VANISHED', `${who} is not in the room at the end.`, witness, at)
  }
}
