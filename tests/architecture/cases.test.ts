import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { REPOSITORY } from './cruise.js'
import { namesIn, testFiles, testNames } from './test-names.js'

const HOSTILE_CASES = 110
const FAULTS = 59

/** What is built so far must withstand these; what brings another feature adds its own. */
const REQUIRED = {
  input: [
    ...['A4–A9', 'A16', 'B1–B11', 'C1–C10', 'C12–C18'],
    ...['D1–D8', 'D10–D16', 'E1–E9', 'G9', 'I2', 'I4', 'I5'],
  ].flatMap(expand),
  fault: ['C1', 'C3–C5', 'N1', 'N2', 'P1–P5', 'P9–P12', 'R1–R20'].flatMap(expand),
}
let inputs: Set<string>
let faults: Set<string>

/** `A1–A6` and `X1–X3` stand for each number between. */
function expand(label: string): string[] {
  const [, letter = '', first = '', last = first] = /^([A-Z])(\d+)(?:–[A-Z](\d+))?$/.exec(label) ?? []
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${letter}${Number(first) + i}`)
}

type Mention = { readonly kind: 'input' | 'fault'; readonly id: string }

/** Every number of a list such as `input A1, A3 and B2`; of a range, the first only. */
function mentionsIn(text: string): Mention[] {
  const lists = text.matchAll(/\b(input|fault) ([A-Z]\d+(?:(?:, | and )[A-Z]\d+)*)/g)
  return Array.from(lists, ([, kind, list = '']) =>
    list.split(/, | and /).map((id): Mention => ({ kind: kind === 'input' ? 'input' : 'fault', id })),
  ).flat()
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
    const mentions = (await testFiles()).flatMap(({ path, text }) =>
      mentionsIn(text).map((mention) => ({ path, ...mention })),
    )
    expect(mentions.length).toBeGreaterThan(0)
    const known = { input: inputs, fault: faults }
    expect(mentions.filter(({ kind, id }) => !known[kind].has(id))).toEqual([])
  })

  it('has a test for each case and fault that the product must withstand by now', async () => {
    const covered = mentionsIn((await testNames()).map(({ text }) => text).join('\n'))
    for (const kind of ['input', 'fault'] as const) {
      const ids = new Set(covered.filter((mention) => mention.kind === kind).map(({ id }) => id))
      expect(
        REQUIRED[kind].filter((id) => !ids.has(id)),
        `no test is named after this ${kind}`,
      ).toEqual([])
    }
  })
})

describe('the names of tests', () => {
  it('count with each number that is written out, and not where only a comment has it', () => {
    const text = [
      "it('refuses it (input A1, A3 and B2)', ask)",
      '  // What input A4 is about.',
      'it.each(doors)("opens %s: fault C5–C7", open)',
    ].join('\n')
    expect(mentionsIn(namesIn(text))).toEqual([
      { kind: 'input', id: 'A1' },
      { kind: 'input', id: 'A3' },
      { kind: 'input', id: 'B2' },
      { kind: 'fault', id: 'C5' },
    ])
  })
})
