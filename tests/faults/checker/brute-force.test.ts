import { expect, it } from 'vitest'
import { bodyOf } from './bodies.js'
import { checkHistory } from './check-history.js'
import type { Call, FinalLog, Line } from './history.js'
import { historyOf } from './history-file.js'
import { Chance } from './model/clockwork.js'

/** A send with what came of it: `seq` as answered, null where nobody knows. `stored`: its place in the final log. */
type Tiny = {
  readonly from: number
  readonly to: number
  readonly seq: number | null
  readonly stored: number | null
}

/**
 * Whether a list that is appended to one send at a time could have answered so and be what it is: tried order by order. Each
 * send takes effect between its beginning and its end; one without an answer at any time after it began, or never.
 */
function isLinearizable(sends: readonly Tiny[]): boolean {
  const log = sends.filter(({ stored }) => stored !== null).sort((a, b) => (a.stored ?? 0) - (b.stored ?? 0))
  return orders(sends).some((order) => {
    const done = order.filter(({ seq, stored }) => seq !== null || stored !== null)
    const inTime = done.every((one, at) =>
      done.slice(at + 1).every((later) => later.seq === null || later.to >= one.from),
    )
    const right = done.every(({ seq }, at) => seq === null || seq === at + 1)
    return inTime && right && done.length === log.length && done.every((one, at) => one === log[at])
  })
}

function orders<T>(items: readonly T[]): T[][] {
  let some: T[][] = [[]]
  for (const item of items)
    some = some.flatMap((order) =>
      Array.from({ length: order.length + 1 }, (_, at) => [...order.slice(0, at), item, ...order.slice(at)]),
    )
  return some
}

function linesOf(sends: readonly Tiny[]): Line[] {
  const message = (at: number, seq: number) => ({
    mid: `m${at}`,
    seq,
    sender: 'u',
    cmid: `c${at}`,
    body: bodyOf('R', 'u', at),
    deleted: false,
  })
  const calls = sends.map(({ from, to, seq }, at): Call => {
    const ends =
      seq === null
        ? ({ type: 'info' } as const)
        : ({ type: 'ok', answer: { messages: [message(at, seq)] } } as const)
    const caller = { client: `k${at}`, user: 'u', session: 's', conn: null, instance: 'i' }
    const asked = { f: 'send', room: 'R', cmid: `c${at}`, body: bodyOf('R', 'u', at) } as const
    return { ...caller, ...asked, ...ends, t_invoke: from, t_end: to }
  })
  const entries = sends
    .flatMap(({ stored }, at) =>
      stored === null
        ? []
        : [{ seq: stored, event: 'message.sent', actor: 'u', mid: `m${at}`, message: message(at, stored) }],
    )
    .sort((a, b) => a.seq - b.seq)
  const log: FinalLog = {
    type: 'final',
    t: 1e9,
    room: 'R',
    source: 'cold',
    instance: 'i',
    user: 'u',
    head: entries.length,
    entries,
  }
  return [{ type: 'header', run: 'tiny', seed: 0, configuration: {}, instances: ['i'] }, ...calls, log]
}

/** Mostly right, sometimes not: a shuffled order, an answer that is off, an acked send that is not there. */
function tiny(chance: Chance): Tiny[] {
  const sends = Array.from({ length: 2 + chance.below(4) }, () => {
    const from = 1 + chance.below(40)
    return { from, to: from + 1 + chance.below(15), at: 0, known: !chance.happens(0.25) }
  })
  for (const send of sends) send.at = send.from + chance.below(send.to - send.from)
  if (chance.happens(0.3)) for (const send of sends) send.at = chance.below(60)
  const stored = sends
    .filter(({ known }) => (known ? !chance.happens(0.05) : chance.happens(0.5)))
    .sort((a, b) => a.at - b.at)
  return sends.map((send) => {
    const place = stored.indexOf(send) + 1
    const seq = send.known ? (chance.happens(0.05) || place === 0 ? 1 + chance.below(5) : place) : null
    return { from: send.from, to: send.to, seq, stored: place === 0 ? null : place }
  })
}

it('says of small histories what trying every order says', () => {
  const chance = new Chance(1)
  const verdicts = { yes: 0, no: 0 }
  for (let round = 0; round < 2_000; round += 1) {
    const sends = tiny(chance)
    const expected = isLinearizable(sends)
    const kinds = checkHistory(historyOf(linesOf(sends))).violations.map(({ kind }) => kind)
    // The room knows no members here.
    const alarms = kinds.filter((kind) => kind !== 'INTRUDER')
    verdicts[expected ? 'yes' : 'no'] += 1
    expect({ sends, alarm: alarms.length > 0, alarms }).toMatchObject({ alarm: !expected })
  }
  expect(verdicts.yes).toBeGreaterThan(400)
  expect(verdicts.no).toBeGreaterThan(400)
})
