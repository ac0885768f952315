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
} from './mutator.js'

/** Whom a system serves, and how well. */
export const OWED: Readonly<Record<string, Mutator>> = {
  'answers from before what was asked for': {
    finds: 'STALE',
    spoil: (lines, chance) => {
      const read = oneOf(
        reads(lines).filter(({ minSeq = 0 }) => minSeq > 0),
        chance,
      )
      return (
        read && exchange(lines, read, { ...read, answer: { ...read.answer, head: (read.minSeq ?? 0) - 1 } })
      )
    },
  },
  'forgets what its own client wrote': {
    finds: 'OWN-WRITE-MISSING',
    spoil: (lines, chance) => {
      const found = oneOf(
        reads(lines).flatMap((read) => ownWriteBefore(read, lines)),
        chance,
      )
      return found && exchange(lines, found.read, { ...found.read, answer: { head: found.seq - 1 } })
    },
  },
  'leaves a message out of a page': {
    finds: 'INCOMPLETE-READ',
    spoil: (lines, chance) => {
      const pages = lines
        .filter(isOk)
        .filter(
          ({ f, user, answer: { messages = [] } = {} }) =>
            f === 'history' && messages.length > 2 && messages[1]?.sender !== user,
        )
      const page = oneOf(pages, chance)
      const messages = page?.answer?.messages?.filter((_, at) => at !== 1)
      return (
        page &&
        exchange<Call>(lines, page, { ...page, answer: { ...page.answer, ...(messages && { messages }) } })
      )
    },
  },
  'answers with an old view': {
    finds: 'LATE-READ',
    spoil: (lines, chance) => {
      const late = reads(lines).filter(
        ({ t_invoke, minSeq }) => t_invoke > 20_000 * MS && minSeq === undefined,
      )
      const read = oneOf(late, chance)
      const head = (coldLog(lines, read?.room)?.head ?? 0) - 1
      return read && exchange(lines, read, { ...read, answer: { head } })
    },
  },
  'answers with an old text': {
    finds: 'LATE-READ',
    spoil: (lines, chance) => {
      const edits = lines.filter(isOk).filter(({ f }) => f === 'edit')
      const found = reads(lines).flatMap((read) =>
        edits
          .filter(({ t_end, mid, body }) => t_end + 9_000 * MS < read.t_invoke && shows(read, mid, body))
          .map((edit) => ({ read, edit })),
      )
      const one = oneOf(found, chance)
      if (one === null) return null
      const messages = one.read.answer?.messages?.map((each) =>
        each.mid === one.edit.mid ? { ...each, body: each.body.slice(0, each.body.lastIndexOf(' +')) } : each,
      )
      return exchange<Call>(lines, one.read, {
        ...one.read,
        answer: { ...one.read.answer, ...(messages && { messages }) },
      })
    },
  },
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
  'shows one who is gone': {
    finds: 'GHOST',
    spoil: (lines, chance) => changePresence(lines, chance, 'offline', 'online', 85_000),
  },
  'does not show one who is there': {
    finds: 'ABSENT',
    spoil: (lines, chance) => changePresence(lines, chance, 'online', 'offline', 85_000),
  },
  'never tells that one has gone': {
    finds: 'GHOST',
    spoil: (lines, chance) => {
      const pushes = lines.filter(isPush).filter(({ presence }) => presence?.user === 'u3')
      const last = oneOf(
        pushes.filter(
          (push) =>
            push.presence?.state === 'offline' &&
            openConns(lines).has(push.conn) &&
            !pushes.some(
              (other) => other.conn === push.conn && other.room === push.room && other.t > push.t,
            ) &&
            !lines.some(
              (line) =>
                isCall(line) &&
                line.conn === push.conn &&
                line.t_end > push.t - 9_000 * MS &&
                line.f === 'join',
            ),
        ),
        chance,
      )
      if (last === null) return null
      const gone = (line: Line) => isPush(line) && line.conn === last.conn && line.presence?.user === 'u3'
      return lines.map((line) =>
        gone(line) && isPush(line) ? { ...line, presence: { user: 'u3', state: 'online' } } : line,
      )
    },
  },
  'fails a call where nobody should notice': {
    finds: 'NOTICED',
    spoil: (lines, chance) => {
      const fault = lines.find((line) => line.type === 'nemesis' && line.unnoticed === true)
      if (fault?.type !== 'nemesis') return null
      const calls = lines
        .filter(isOk)
        .filter(({ f, t_invoke }) => f === 'history' && t_invoke > fault.start && t_invoke < fault.stop)
      const call = oneOf(calls, chance)
      if (call === null) return null
      const { answer: _, ...rest } = call
      return exchange<Call>(lines, call, { ...rest, type: 'info', code: 'UNAVAILABLE' })
    },
  },
  'delivers slowly where nobody should notice': {
    finds: 'SLOW',
    spoil: (lines) =>
      lines.some((line) => line.type === 'nemesis' && line.unnoticed)
        ? lines.map((line) => (line.type === 'render' ? { ...line, t: line.t + 1_500 * MS } : line))
        : null,
  },
  'does not give memory back': {
    finds: 'NOT-BACK',
    spoil: (lines) =>
      lines.map((line) =>
        line.type === 'sample' && line.t > 9_000 * MS ? { ...line, rssBytes: 300e6 } : line,
      ),
  },
}

const READS = new Set(['history', 'search', 'presence'])
const reads = (lines: readonly Line[]): Call[] =>
  lines
    .filter(isOk)
    .filter(({ f, room, answer }) => READS.has(f) && room !== undefined && answer?.head !== undefined)

/** The highest seq that a client was acked, in one go, by the instance that it reads at. */
function ownWriteBefore(read: Call, lines: readonly Line[]): { read: Call; seq: number }[] {
  const sends = lines.filter(isCall).filter(({ f }) => f === 'send')
  const own = sends.filter(
    (call) =>
      call.type === 'ok' &&
      call.client === read.client &&
      call.room === read.room &&
      call.instance === read.instance &&
      call.t_end < read.t_invoke &&
      sends.filter(({ user, cmid }) => user === call.user && cmid === call.cmid).length === 1,
  )
  const seq = Math.max(0, ...own.map((call) => call.answer?.messages?.[0]?.seq ?? 0))
  return seq > 0 ? [{ read, seq }] : []
}

const shows = (read: Call, mid: string | undefined, body: string | undefined): boolean =>
  read.answer?.messages?.some((message) => message.mid === mid && message.body === body) ?? false

const hasLeftTwice = (lines: readonly Line[], room: string, user: string): boolean =>
  (coldLog(lines, room)?.entries ?? []).filter(
    ({ event, subject }) => event === 'member.left' && subject === user,
  ).length > 1

function pushedTo(lines: readonly Line[], room: string, user: string) {
  return lines.filter(isEntryPush).filter((push) => push.room === room && push.user === user)
}

function openConns(lines: readonly Line[]): ReadonlySet<string> {
  const sockets = lines.find((line) => line.type === 'sockets')
  return new Set(sockets?.type === 'sockets' ? sockets.open : [])
}

/** In an answer that came long after anybody did anything. */
function changePresence(
  lines: readonly Line[],
  chance: Parameters<Mutator['spoil']>[1],
  from: string,
  to: 'online' | 'offline',
  afterMs: number,
): Line[] | null {
  const late = lines
    .filter(isOk)
    .filter(({ answer, t_invoke }) => answer?.presence && t_invoke > afterMs * MS)
  const read = oneOf(
    late.filter(({ answer }) => answer?.presence?.some(({ state }) => state === from)),
    chance,
  )
  const presence = read?.answer?.presence?.map((each) =>
    each.state === from ? { ...each, state: to } : each,
  )
  return (
    read &&
    exchange<Call>(lines, read, { ...read, answer: { ...read.answer, ...(presence && { presence }) } })
  )
}
