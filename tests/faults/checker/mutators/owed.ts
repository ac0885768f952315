import type { Call, Line } from '../history.js'
import { coldLog, exchange, isCall, isOk, isPush, MS, type Mutator, oneOf, reads } from './mutator.js'

/** How well a system serves those whom it lets in. */
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
