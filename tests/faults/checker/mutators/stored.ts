import { bodyOf, parseBody } from '../bodies.js'
import type { Call, Line } from '../history.js'
import {
  appendMessage,
  changeFinalMessage,
  changeFinals,
  coldLog,
  exchange,
  isCall,
  isEntryPush,
  isFinal,
  isOk,
  type Mutator,
  midOf,
  oneOf,
  singleSends,
} from './mutator.js'

/** What is stored is not what was said. */
export const STORED: Readonly<Record<string, Mutator>> = {
  'loses an acked message': {
    finds: 'LOST',
    spoil: (lines, chance) => {
      const send = oneOf(singleSends(lines), chance)
      return send && withoutMessage(lines, send.room ?? '', midOf(send))
    },
  },
  'stores a message twice': {
    finds: 'DUPLICATE-MESSAGE',
    spoil: (lines, chance) => {
      const send = oneOf(singleSends(lines), chance)
      if (send === null) return null
      const { room = '', user, cmid = '', body = '' } = send
      return appendMessage(lines, room, { mid: 'twin', sender: user, cmid, body })
    },
  },
  'answers a retry with another message': {
    finds: 'ANOTHER-ANSWER',
    spoil: (lines, chance) => {
      const calls = lines.filter(isOk).filter(({ f }) => f === 'send')
      const again = (call: Call) =>
        calls.some((other) => other !== call && other.cmid === call.cmid && other.user === call.user)
      const retry = oneOf(calls.filter(again), chance)
      const [message] = retry?.answer?.messages ?? []
      if (!retry || !message) return null
      return exchange(lines, retry, { ...retry, answer: { messages: [{ ...message, mid: 'another' }] } })
    },
  },
  'stores what nobody sent': {
    finds: 'PHANTOM',
    spoil: (lines, chance) => {
      const log = oneOf(lines.filter(isFinal), chance)
      if (log === null) return null
      const body = bodyOf(log.room, 'u1', 9_999)
      return appendMessage(lines, log.room, { mid: 'ghostly', sender: 'u1', cmid: 'never', body })
    },
  },
  'shows what nobody sent': {
    finds: 'PHANTOM',
    spoil: (lines, chance) => {
      const push = oneOf(
        lines.filter(isEntryPush).filter(({ entry }) => entry.message),
        chance,
      )
      if (!push?.entry.message) return null
      const message = { ...push.entry.message, mid: 'ghostly', cmid: 'never' }
      return [...lines, { ...push, entry: { ...push.entry, mid: 'ghostly', message } }]
    },
  },
  'stores what it refused': { finds: 'LIAR', spoil: refuse('send') },
  'makes an edit that it refused': { finds: 'LIAR', spoil: refuse('edit') },
  'makes a deletion that it refused': { finds: 'LIAR', spoil: refuse('delete') },
  'loses a message that was seen and never acked': {
    finds: 'VANISHED',
    spoil: (lines, chance) => {
      const acked = new Set(lines.filter(isOk).map(({ user, cmid }) => `${user} ${cmid}`))
      const push = oneOf(
        lines
          .filter(isEntryPush)
          .filter(({ entry: { message } }) => message && !acked.has(`${message.sender} ${message.cmid}`)),
        chance,
      )
      return push && withoutMessage(lines, push.room, push.entry.mid ?? '')
    },
  },
  'shows one member another log': {
    finds: 'DIFFERENT-FINALS',
    spoil: (lines, chance) => {
      const log = oneOf(
        lines.filter(isFinal).filter(({ source }) => source !== 'cold'),
        chance,
      )
      if (log === null) return null
      const at = chance.below(log.entries.length)
      return exchange(lines, log, { ...log, entries: log.entries.filter((_, place) => place !== at) })
    },
  },
  'leaves a hole in a log': {
    finds: 'HOLE',
    spoil: (lines, chance) => {
      const log = oneOf(lines.filter(isFinal), chance)
      if (log === null) return null
      const seq = 1 + chance.below(log.head)
      return changeFinals(lines, log.room, (entries) => entries.filter((entry) => entry.seq !== seq))
    },
  },
  'loses an acked edit': {
    finds: 'LOST-EDIT',
    spoil: (lines, chance) => {
      const edit = oneOf(lastingEdits(lines), chance)
      return (
        edit &&
        changeFinalMessage(lines, edit.room ?? '', edit.mid ?? '', { body: shortened(edit.body ?? '') })
      )
    },
  },
  'brings back a deleted message at the end': {
    finds: 'RESURRECTED',
    spoil: (lines, chance) => {
      const deletion = oneOf(
        lines.filter(isOk).filter(({ f }) => f === 'delete'),
        chance,
      )
      if (deletion === null) return null
      const { room = '', mid = '' } = deletion
      const send = lines.filter(isCall).find((call) => call.f === 'send' && midOf(call) === mid)
      return changeFinalMessage(lines, room, mid, { deleted: false, body: send?.body ?? '' })
    },
  },
}

/** A text without its last edit. */
const shortened = (body: string): string => body.slice(0, body.lastIndexOf(' +'))

/** Acked edits whose text stands at the end. */
function lastingEdits(lines: readonly Line[]): Call[] {
  return lines.filter(isOk).filter(({ f, room, mid, body }) => {
    const message = coldLog(lines, room)?.entries.find((entry) => entry.mid === mid)?.message
    return f === 'edit' && message?.body === body
  })
}

function withoutMessage(lines: readonly Line[], room: string, mid: string): Line[] {
  return changeFinals(lines, room, (entries) => entries.filter((entry) => entry.mid !== mid))
}

/** Says of something that was done, and asked for once, that it was refused. */
function refuse(f: 'send' | 'edit' | 'delete'): Mutator['spoil'] {
  return (lines, chance) => {
    const once = (call: Call) =>
      lines
        .filter(isCall)
        .filter((other) => other.f === f && other.mid === call.mid && other.body === call.body).length === 1
    const done =
      f === 'send' ? singleSends(lines) : lines.filter(isOk).filter((call) => call.f === f && once(call))
    // An edit of a message that was deleted later leaves no trace that all histories share.
    const lasting = done.filter(({ body = '' }) => f !== 'edit' || parseBody(body) !== null)
    const call = oneOf(
      f === 'edit' ? lasting.filter((edit) => lastingEdits(lines).includes(edit)) : lasting,
      chance,
    )
    if (call === null) return null
    const { answer: _, ...rest } = call
    return exchange<Call>(lines, call, { ...rest, type: 'fail', code: 'FORBIDDEN' })
  }
}
