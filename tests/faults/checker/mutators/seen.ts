import type { Call, Entry, Line, Observed, Received, Rendered } from '../history.js'
import type { Chance } from '../model/clockwork.js'
import {
  coldLog,
  exchange,
  isCall,
  isEntryPush,
  isOk,
  isScreen,
  MS,
  type Mutator,
  midOf,
  oneOf,
  singleSends,
} from './mutator.js'

/** What clients are shown is not what is stored, or not in its order. */
export const SEEN: Readonly<Record<string, Mutator>> = {
  'never pushes an event': {
    finds: 'GAP',
    spoil: (lines, chance) => {
      const push = oneOf(onlySightings(lines), chance)
      return push && lines.filter((line) => line !== push)
    },
  },
  'pushes an event late': {
    finds: 'LATE',
    spoil: (lines, chance) => {
      const push = oneOf(onlySightings(lines), chance)
      return push && exchange(lines, push, { ...push, t: push.t + 4_000 * MS })
    },
  },
  'pushes an event twice': {
    finds: 'PUSHED-TWICE',
    spoil: (lines, chance) => {
      const push = oneOf(lines.filter(isEntryPush), chance)
      return push && [...lines, { ...push, t: push.t + 1 }]
    },
  },
  'pushes two events in the wrong order': {
    finds: 'PUSHED-OUT-OF-ORDER',
    spoil: (lines, chance) => {
      const pair = oneOf(neighbours(lines), chance)
      if (pair === null) return null
      const [one, two] = pair
      return exchange(exchange(lines, one, { ...one, t: two.t }), two, { ...two, t: one.t })
    },
  },
  'gives one client two seqs exchanged': {
    finds: 'SEQ-CONFLICT',
    spoil: (lines, chance) => {
      const pair = oneOf(neighbours(lines), chance)
      if (pair === null) return null
      const [one, two] = pair
      const at = (entry: Entry, seq: number): Entry => ({ ...entry, seq })
      const swapped = exchange(lines, one, { ...one, entry: at(two.entry, one.entry.seq) })
      return exchange(swapped, two, { ...two, entry: at(one.entry, two.entry.seq) })
    },
  },
  'shows a page in another order': {
    finds: 'REORDER',
    spoil: (lines, chance) => {
      const page = oneOf(
        pages(lines).filter(({ answer }) => (answer?.messages?.length ?? 0) > 1),
        chance,
      )
      if (page === null) return null
      return exchange(lines, page, {
        ...page,
        answer: { ...page.answer, messages: [...(page.answer?.messages ?? [])].reverse() },
      })
    },
  },
  'numbers a later message before an earlier one': { finds: 'NOT-REAL-TIME', spoil: exchangeSeqs },
  'shows a message twice on a screen': {
    finds: 'RENDERED-TWICE',
    spoil: (lines, chance) => {
      const screen = oneOf(wholeScreens(lines), chance)
      const item = screen && oneOf(screen.items, chance)
      return (
        item &&
        exchange(lines, screen, { ...screen, items: [...screen.items, item], shown: screen.shown + 1 })
      )
    },
  },
  'counts a message more on a screen': {
    finds: 'RENDERED-TWICE',
    spoil: (lines, chance) => {
      const screen = oneOf(
        lines.filter(isScreen).filter(({ shown }) => shown > 0),
        chance,
      )
      return screen && exchange(lines, screen, { ...screen, shown: screen.shown + 1 })
    },
  },
  'shows a screen in the wrong order': {
    finds: 'RENDERED-OUT-OF-ORDER',
    spoil: (lines, chance) => {
      const screen = oneOf(wholeScreens(lines), chance)
      return screen && exchange(lines, screen, { ...screen, items: [...screen.items].reverse() })
    },
  },
  'leaves a message out on a screen': {
    finds: 'RENDERED-WITH-A-HOLE',
    spoil: (lines, chance) => {
      const screen = oneOf(wholeScreens(lines), chance)
      if (screen === null) return null
      const items = screen.items.filter((_, at) => at !== 1)
      return exchange(lines, screen, { ...screen, items, shown: screen.shown - 1 })
    },
  },
  'ends with another text on a screen': {
    finds: 'RENDERED-OTHERWISE',
    spoil: (lines, chance) => {
      const lasting = lastScreens(lines).filter(({ items }) => items.some(({ deleted }) => !deleted))
      const screen = oneOf(lasting, chance)
      if (screen === null) return null
      const items = screen.items.map((item) => (item.deleted ? item : { ...item, body: `${item.body} +x` }))
      return exchange(lines, screen, { ...screen, items })
    },
  },
  'forks a text': {
    finds: 'FORK',
    spoil: (lines, chance) => {
      const twice = lines
        .filter(isEntryPush)
        .filter(({ entry }) => (entry.message?.body.split(' +').length ?? 0) > 2)
      const push = oneOf(
        twice.filter(({ entry }) => seenOnceEdited(lines, entry.message)),
        chance,
      )
      if (!push?.entry.message) return null
      const [base, , ...later] = push.entry.message.body.split(' +')
      const message = { ...push.entry.message, body: [base, ...later].join(' +') }
      return exchange<Line>(lines, push, { ...push, entry: { ...push.entry, message } })
    },
  },
  'shows a deleted text again': {
    finds: 'RESURRECTED',
    spoil: (lines, chance) => {
      const found = oneOf(
        pages(lines).flatMap((page) => tombstonesIn(page, lines)),
        chance,
      )
      if (found === null) return null
      const { page, message, body } = found
      const messages = page.answer?.messages?.map((each) =>
        each === message ? { ...each, deleted: false, body } : each,
      )
      return exchange<Line>(lines, page, {
        ...page,
        answer: { ...page.answer, ...(messages && { messages }) },
      })
    },
  },
  'shows its text to one who was told of a deletion': {
    finds: 'RESURRECTED',
    spoil: (lines, chance) => {
      const told = lines
        .filter(isEntryPush)
        .filter(({ user, entry }) => entry.event === 'message.deleted' && entry.actor !== user)
      const found = told.flatMap((push) => {
        const send = singleSends(lines).find((call) => midOf(call) === push.entry.mid)
        const [message] = send?.answer?.messages ?? []
        const read = pages(lines).find(({ client, room }) => client === push.client && room === push.room)
        return message && read ? [{ push, message, read }] : []
      })
      const one = oneOf(found, chance)
      if (one === null) return null
      const { push, message, read } = one
      const { minSeq: _, ...asked } = read
      // By an instance that is behind, and right after, so that nothing was due.
      const answer = { head: message.seq, messages: [message] }
      const blind = lines.filter((line) => !isScreen(line) || line.client !== push.client)
      return [...blind, { ...asked, f: 'search', answer, t_invoke: push.t + 1, t_end: push.t + 2 }]
    },
  },
}

/** Pushes that are all that their client got of the event, over a socket that stays for a while. */
function onlySightings(lines: readonly Line[]): (Received & { entry: Entry; room: string })[] {
  const closes = new Map(
    lines.flatMap((line) => (line.type === 'conn' && line.event === 'close' ? [[line.conn, line.t]] : [])),
  )
  const key = (client: string, room: string | undefined, seq: number) => `${client} ${room} ${seq}`
  const counts = new Map<string, number>()
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const line of lines) {
    if (isEntryPush(line)) count(key(line.client, line.room, line.entry.seq))
    if (isCall(line))
      for (const { seq } of line.answer?.entries ?? []) count(key(line.client, line.room, seq))
  }
  const interrupted = lines
    .filter(isCall)
    .filter(({ f }) => f === 'join' || f === 'leave' || f === 'remove' || f === 'revoke')
  return lines.filter(isEntryPush).filter((line) => {
    const { client, conn, room, entry, t } = line
    if (entry.event.startsWith('member.') || t < 1_000 * MS) return false
    const stays = (closes.get(conn) ?? Infinity) > t + 8_000 * MS
    const calm = !interrupted.some(
      (call) =>
        call.t_end > t - 3_000 * MS &&
        call.t_invoke < t + 8_000 * MS &&
        (call.conn === conn || call.subject === line.user),
    )
    return stays && calm && counts.get(key(client, room, entry.seq)) === 1
  })
}

/** Two events that were pushed one after the other over one socket. */
function neighbours(lines: readonly Line[]): [Received & { entry: Entry }, Received & { entry: Entry }][] {
  const last = new Map<string, Received & { entry: Entry }>()
  const pairs: [Received & { entry: Entry }, Received & { entry: Entry }][] = []
  for (const line of lines.filter(isEntryPush).sort((a, b) => a.t - b.t)) {
    const key = `${line.conn} ${line.room}`
    const before = last.get(key)
    if (before) pairs.push([before, line])
    last.set(key, line)
  }
  return pairs
}

const pages = (lines: readonly Line[]): Call[] =>
  lines.filter(isOk).filter(({ answer }) => answer?.messagesRange)

const wholeScreens = (lines: readonly Line[]): Rendered[] =>
  lines.filter(isScreen).filter(({ full, items }) => full && items.length > 2)

/** What clients showed at the end that were still there. */
function lastScreens(lines: readonly Line[]): Rendered[] {
  const sockets = lines.find((line) => line.type === 'sockets')
  const open = new Set(sockets?.type === 'sockets' ? sockets.open : [])
  const there = new Set(
    lines.flatMap((line) =>
      line.type === 'conn' && open.has(line.conn) ? [`${line.client} ${line.instance}`] : [],
    ),
  )
  return wholeScreens(lines).filter(
    ({ t, client, instance, room, head }) =>
      t === sockets?.t && there.has(`${client} ${instance}`) && head === coldLog(lines, room)?.head,
  )
}

const seenOnceEdited = (lines: readonly Line[], message: Observed | undefined): boolean => {
  const once = message?.body.split(' +').slice(0, 2).join(' +')
  return lines.some((line) => isEntryPush(line) && line.entry.message?.body === once)
}

/** Where a page holds the deletion, so that no lag excuses its text. */
function tombstonesIn(page: Call, lines: readonly Line[]): { page: Call; message: Observed; body: string }[] {
  const log = coldLog(lines, page.room)?.entries ?? []
  return (page.answer?.messages ?? []).flatMap((message) => {
    const send = lines
      .filter(isCall)
      .find(({ f, cmid, user }) => f === 'send' && cmid === message.cmid && user === message.sender)
    const deletion = log.find(({ event, mid }) => event === 'message.deleted' && mid === message.mid)
    const isHeld = (deletion?.seq ?? Infinity) <= (page.answer?.head ?? 0)
    return message.deleted && isHeld && send?.body ? [{ page, message, body: send.body }] : []
  })
}

/** Consistently for everyone, so that only the clock can tell. */
function exchangeSeqs(lines: readonly Line[], chance: Chance): Line[] | null {
  const first = oneOf(singleSends(lines), chance)
  const later = singleSends(lines).filter(
    ({ room, t_invoke }) => room === first?.room && t_invoke > (first?.t_end ?? Infinity),
  )
  const second = oneOf(later, chance)
  if (first === null || second === null) return null
  const [a, b] = [midOf(first), midOf(second)]
  const seqs = new Map([
    [a, second.answer?.messages?.[0]?.seq ?? 0],
    [b, first.answer?.messages?.[0]?.seq ?? 0],
  ])
  const text = JSON.stringify(lines, (_, value: unknown) => {
    const { mid, event } = (value ?? {}) as { mid?: string; event?: string }
    const seq = seqs.get(mid ?? '')
    const isSending = event === undefined || event === 'message.sent'
    return seq !== undefined && isSending && value !== null && typeof value === 'object' && 'seq' in value
      ? { ...value, seq }
      : value
  })
  return (JSON.parse(text) as Line[]).map((line) =>
    line.type === 'final' ? { ...line, entries: [...line.entries].sort((x, y) => x.seq - y.seq) } : line,
  )
}
