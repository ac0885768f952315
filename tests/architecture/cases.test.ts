import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { REPOSITORY } from './cruise.js'
import { sources } from './sources.js'

const HOSTILE_CASES = 110
const FAULTS = 59

let inputs: Set<string>
let faults: Set<string>

/** `A1–A6` and `X1–X3` stand for each number between. */
function expand(label: string): string[] {
  const [, letter = '', first = '', last = first] = /^([A-Z])(\d+)(?:–[A-Z](\d+))?$/.exec(label) ?? []
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${letter}${Number(first) + i}`)
}

beforeAll(async () => {
  const text = await readFile(join(REPOSITORY, 'docs/cases.md'), 'utf8')
  const [hostile = '', faulty = ''] = text.split(/^# Faults/m)
  inputs = new Set(Array.from(hostile.matchAll(/(?:^- |[.;] |→ )([A-I]\d+) /gm), ([, id = '']) => id))
  const rows = Array.from(faulty.matchAll(/^\| ([A-Z]\d+(?:–[A-Z]\d+)?) \|/gm), ([, label = '']) =>
    expand(label),
  )
  faults = new Set(rows.flat())
})

describe('docs/cases.md', () => {
  it('lists every hostile case and every fault', () => {
    expect([inputs.size, faults.size]).toEqual([HOSTILE_CASES, FAULTS])
  })

  it('knows each case and fault that the name of a test mentions', async () => {
    const files = (await Promise.all(['core', 'adapters', 'apps', 'tests'].map(sources))).flat()
    const unknown: string[] = []
    let mentioned = 0
    for (const { path, text } of files.filter((file) => file.path !== 'tests/architecture/cases.test.ts')) {
      for (const [mention, kind, list = ''] of text.matchAll(
        /\b(input|fault) ([A-Z]\d+(?:(?:, | and )[A-Z]\d+)*)/g,
      )) {
        const known = kind === 'input' ? inputs : faults
        for (const id of list.split(/, | and /)) {
          mentioned += 1
          if (!known.has(id)) unknown.push(`${path}: ${mention}`)
        }
      }
    }
    expect(mentioned).toBeGreaterThan(0)
    expect(unknown).toEqual([])
  })
})
