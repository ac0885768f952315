import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type KeptHunt, keepHunt, keptHunt, tableOfHunts } from './kept-hunts.js'
import type { Mutant } from './mutants.js'

const mutant = (name: string): Mutant => ({ name, what: 'a bug', replacements: [], fault: 'C3', breaks: [] })
const hunt: KeptHunt = { seed: 5, commit: 'abc', caught: true, by: 'L1 LOST (2)', witness: 'It is gone.' }

describe('The verdicts on mutants', () => {
  it('keeps the newest of each', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-mutants-'))
    try {
      await keepHunt(folder, mutant('a'), hunt)
      await keepHunt(folder, mutant('a'), { ...hunt, seed: 6 })
      expect(await keptHunt(folder, mutant('a'))).toEqual({ ...hunt, seed: 6 })
      expect(await keptHunt(folder, mutant('b'))).toBeNull()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('shows who was caught, who was not, and who was never run', () => {
    const hunts = new Map([
      ['a', hunt],
      ['b', { ...hunt, caught: false, by: '', witness: '–' }],
    ])
    const [, , ...rows] = tableOfHunts([mutant('a'), mutant('b'), mutant('c')], hunts).split('\n')
    expect(rows).toEqual([
      '| a: a bug | C3 | 5 | abc | caught | L1 LOST (2) | It is gone. |',
      '| b: a bug | C3 | 5 | abc | **not caught** | – | – |',
      '| c: a bug | C3 | – | – | **not run** | – | – |',
    ])
  })
})
