import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import type { Line } from './history.js'
import { historyOf } from './history-file.js'
import { smallestWitnesses } from './report.js'

const MS = 1e6
const caller = (name: string, instance: string) => ({
  client: name,
  user: name,
  session: `${name}/1`,
  conn: `${name}-conn`,
  instance,
})
const header: Line = { type: 'header', run: 'r', seed: 1, configuration: {}, instances: ['i1', 'i2'] }
const opened: Line = { type: 'conn', event: 'open', ...caller('ada', 'i1'), t: 0 }
const ended: Line = {
  ...caller('cem', 'i2'),
  type: 'ok',
  f: 'revoke',
  ends: ['ada/1'],
  t_invoke: 10_000 * MS,
  t_end: 10_100 * MS,
}
const shownAsOffline: Line = {
  ...caller('ben', 'i2'),
  type: 'ok',
  f: 'presence',
  room: 'r1',
  t_invoke: 40_000 * MS,
  t_end: 40_100 * MS,
  answer: { presence: [{ user: 'ada', state: 'offline' }], canaries: [] },
}
const absences = (...lines: Line[]) => checkHistory(historyOf([header, ...lines])).counts.get('ABSENT') ?? 0

describe('Whoever has a socket open', () => {
  it('is there', () => {
    expect(absences(opened, shownAsOffline)).toBe(1)
  })

  it('is not there by the socket of a login that has ended, which a stopped server has not closed yet', () => {
    expect(absences(opened, ended, shownAsOffline)).toBe(0)
  })

  it('is a violation that a message can show in a few lines, with what told otherwise', () => {
    const joined: Line = {
      ...caller('ben', 'i2'),
      type: 'ok',
      f: 'join',
      room: 'r1',
      t_invoke: 1_000 * MS,
      t_end: 1_001 * MS,
      answer: { presence: [{ user: 'ada', state: 'online' }], canaries: [] },
    }
    const told: Line = {
      ...caller('ben', 'i2'),
      type: 'recv',
      t: 30_000 * MS,
      event: 'presence',
      room: 'r1',
      presence: { user: 'ada', state: 'offline' },
    }
    const open: Line = { type: 'conn', event: 'open', ...caller('ben', 'i2'), t: 0 }
    const absence = (...lines: Line[]) => {
      const history = historyOf([header, opened, open, joined, told, ...lines])
      const shown = smallestWitnesses(history, checkHistory(history))
      const from = shown.findIndex((line) => line.startsWith('L10 ABSENT'))
      return shown.slice(from, shown.indexOf('', from))
    }
    expect(absence()).toEqual([
      'L10 ABSENT (step 10): ben was shown ada as offline, who was there.',
      '  at 30.000 s, fault: none yet',
      expect.stringContaining('"conn":"ada-conn"'),
      expect.stringContaining('"conn":"ben-conn"'),
      expect.stringContaining('"presence":{"user":"ada","state":"offline"}'),
    ])
    expect(absence(shownAsOffline)).toHaveLength(4)
  })
})

describe('Whoever has gone', () => {
  const ghosts = (killedAfterMs: number | null, shownAfterMs: number) => {
    const gone: Line = { type: 'conn', event: 'close', ...caller('ada', 'i1'), t: 30_000 * MS }
    const shown: Line = {
      ...shownAsOffline,
      t_invoke: (30_000 + shownAfterMs) * MS,
      t_end: (30_001 + shownAfterMs) * MS,
      answer: { presence: [{ user: 'ada', state: 'online' }], canaries: [] },
    }
    const kill: Line = {
      type: 'nemesis',
      fault: 'N1 kill',
      target: 'i1',
      start: (30_000 + (killedAfterMs ?? 0)) * MS,
      stop: (35_000 + (killedAfterMs ?? 0)) * MS,
      kills: true,
    }
    const lines = [header, opened, gone, shown, ...(killedAfterMs === null ? [] : [kill])]
    return checkHistory(historyOf(lines)).counts.get('GHOST') ?? 0
  }

  it('is shown so after 20 s', () => {
    expect(ghosts(null, 19_900)).toBe(0)
    expect(ghosts(null, 20_100)).toBe(1)
    expect(ghosts(21_000, 20_100)).toBe(1)
  })

  it('is shown so after 60 s where the process was killed before it had to know', () => {
    expect(ghosts(3_000, 20_100)).toBe(0)
    expect(ghosts(3_000, 60_100)).toBe(1)
  })
})
