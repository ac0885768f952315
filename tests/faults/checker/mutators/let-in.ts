import { bodyOf } from '../bodies.js'
import type { Call, Line } from '../history.js'
import {
  appendMessage,
  coldLog,
  endedSessions,
  exchange,
  isCall,
  isEntryPush,
  isOk,
  isPush,
  lastingRemovals,
  MS,
  type Mutator,
  oneOf,
  reads,
} from './mutator.js'

/** Who is let in, and sees what is not theirs. */
export const LET_IN: Readonly<Record<string, Mutator>> = {
  'pushes to a removed member': {
    finds: 'LEAK',
    spoil: (lines, chance) => {
      const found = lastingRemovals(lines).flatMap(({ room, user }) => pushedTo(lines, room, user))
      const push = oneOf(found, chance)
      const entry = push && coldLog(lines, push.room)?.entries.at(-1)
      // Of its own leaving a member is told.
      if (!entry || entry.event === 'member.left') return null
      return [...lines, { ...push, t: push.t + 1_500 * MS, entry }]
    },
  },
  'pushes to a member who came back and was removed again': {
    finds: 'LEAK',
    spoil: (lines, chance) => {
      const again = lastingRemovals(lines).filter(({ room, user }) => hasLeftTwice(lines, room, user))
      const removal = oneOf(again, chance)
      const push = removal && pushedTo(lines, removal.room, removal.user)[0]
      const entry = push && coldLog(lines, push.room)?.entries.at(-1)
      return entry && entry.event !== 'member.left'
        ? [...lines, { ...push, t: removal.t + 1_500 * MS, entry }]
        : null
    },
  },
  'answers a removed member': {
    finds: 'LEAK',
    spoil: (lines, chance) => {
      const found = lastingRemovals(lines).flatMap((removal) => {
        const own = reads(lines).find(({ user, room }) => user === removal.user && room === removal.room)
        return own ? [{ own, t: removal.t }] : []
      })
      const one = oneOf(found, chance)
      return one && [...lines, { ...one.own, t_invoke: one.t + 1_100 * MS, t_end: one.t + 1_200 * MS }]
    },
  },
  'takes a message from a stranger': {
    finds: 'INTRUDER',
    spoil: (lines, chance) => {
      const log = coldLog(lines, oneOf(['r1', 'r2'], chance) ?? '')
      if (log === null) return null
      const body = bodyOf(log.room, 'u4', 9_999)
      const message = { mid: 'intruding', sender: 'u4', cmid: 'in', body }
      const caller = { client: 'c5', user: 'u4', session: 's5', conn: null, instance: 'i1' }
      const call = {
        ...caller,
        type: 'info',
        f: 'send',
        room: log.room,
        cmid: 'in',
        body,
        t_invoke: 1,
        t_end: 2,
      } as const
      return [...appendMessage(lines, log.room, message), call]
    },
  },
  'takes a message right after a removal': {
    finds: 'INTRUDER',
    spoil: (lines, chance) => {
      const removal = oneOf(lastingRemovals(lines), chance)
      const { room, user, t } = removal ?? { room: '', user: '', t: 0 }
      const refused = lines
        .filter(isCall)
        .find((call) => call.user === user && call.type === 'fail' && call.room === room)
      return refused
        ? [...lines, { ...refused, type: 'ok', f: 'edit', mid: 'm1', t_invoke: t + 1, t_end: t + 2 }]
        : null
    },
  },
  'pushes to an ended login': {
    finds: 'ZOMBIE',
    spoil: (lines, chance) => {
      const ended = oneOf(endedSessions(lines), chance)
      const push = lines.findLast((line) => isPush(line) && line.session === ended?.session)
      return ended && push?.type === 'recv'
        ? [...lines, { ...push, event: 'receipt', t: ended.t + 1_500 * MS }]
        : null
    },
  },
  'takes a write from an ended login': {
    finds: 'ZOMBIE',
    spoil: (lines, chance) => {
      const ended = oneOf(endedSessions(lines), chance)
      const own = lines.filter(isOk).findLast(({ session, f }) => session === ended?.session && f === 'send')
      return ended && own ? [...lines, { ...own, t_invoke: ended.t + 1, t_end: ended.t + 2 }] : null
    },
  },
  'puts a text of another room into an answer': {
    finds: 'CROSS',
    spoil: (lines, chance) => {
      const read = oneOf(
        lines.filter(isOk).filter(({ room, answer }) => room && answer),
        chance,
      )
      const foreign = read?.room === 'r1' ? 'r2' : 'r1'
      return (
        read && exchange(lines, read, { ...read, answer: { ...read.answer, canaries: [`${foreign}:u1:1`] } })
      )
    },
  },
  'puts a text of another room into a push': {
    finds: 'CROSS',
    spoil: (lines, chance) => {
      const push = oneOf(lines.filter(isEntryPush), chance)
      const foreign = push?.room === 'r1' ? 'r2' : 'r1'
      return push && exchange(lines, push, { ...push, canaries: [`${foreign}:u1:1`] })
    },
  },
  'puts a text of another room into a refusal': {
    finds: 'CROSS',
    spoil: (lines, chance) => {
      const refused = oneOf(
        lines.filter(isCall).filter(({ type, room }) => type === 'fail' && room),
        chance,
      )
      const foreign = refused?.room === 'r1' ? 'r2' : 'r1'
      const author = refused?.user === 'u1' ? 'u2' : 'u1'
      return refused && exchange<Call>(lines, refused, { ...refused, canaries: [`${foreign}:${author}:1`] })
    },
  },
  'tells a stranger a text of the room that it is refused': {
    finds: 'CROSS',
    spoil: (lines, chance) => {
      const refused = oneOf(
        lines.filter(isCall).filter(({ type, room, user }) => type === 'fail' && room && user === 'u4'),
        chance,
      )
      return refused && exchange<Call>(lines, refused, { ...refused, canaries: [`${refused.room}:u1:1`] })
    },
  },
}

const hasLeftTwice = (lines: readonly Line[], room: string, user: string): boolean =>
  (coldLog(lines, room)?.entries ?? []).filter(
    ({ event, subject }) => event === 'member.left' && subject === user,
  ).length > 1

function pushedTo(lines: readonly Line[], room: string, user: string) {
  return lines.filter(isEntryPush).filter((push) => push.room === room && push.user === user)
}
