import { describe, expect, it } from 'vitest'
import { fillPage } from './page.js'

const results = (table: string, quick = false) => ({
  machine: { at: '2030-01-02T03:04:05.678Z' },
  quick,
  benches: {
    start: { tables: [table], bounds: [{ what: 'a start, s', value: 1.234, atMost: 2, holds: true }] },
  },
})
const PAGE =
  'before\n<!-- bench: start -->\nold\n<!-- end -->\nafter\n<!-- bench: history -->\n<!-- end -->\n'

describe('the page of figures', () => {
  it('gets the tables of the last run in their places, and keeps what people wrote', () => {
    const once = fillPage(PAGE, [results('| first |'), results('| $1 |')])
    expect(once).toContain('before\n<!-- bench: start -->\n')
    expect(once).toContain('| $1 |\n\n- a start, s, bound ≤ 2: 1.23 ✓\n\n<!-- end -->\nafter')
    expect(once).not.toMatch(/old|first/)
    expect(fillPage(once, [results('| $1 |')])).toBe(once)
  })

  it('refuses figures that mean nothing or have no place', () => {
    expect(() => fillPage(PAGE, [results('', true)])).toThrow('quick')
    expect(() => fillPage('', [results('')])).toThrow('no place for start')
  })
})
