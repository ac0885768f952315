import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { REPOSITORY } from './cruise.js'
import { testNames } from './test-names.js'

const PITFALLS = Array.from({ length: 10 }, (_, index) => index + 1)

/** Every number of `pitfall 1` and of `pitfalls 2, 3 and 4`. */
const pitfallsIn = (text: string): readonly number[] =>
  Array.from(text.matchAll(/\bpitfalls? (\d+(?:(?:, | and )\d+)*)/g), ([, list = '']) =>
    list.split(/, | and /).map(Number),
  ).flat()

/** Of each row of the table its number, and the files that it names. */
async function table(): Promise<ReadonlyMap<number, readonly string[]>> {
  const text = await readFile(join(REPOSITORY, 'docs/reliability.md'), 'utf8')
  const [, section = ''] = text.split(/^## Ten pitfalls$/m)
  const rows = section.split(/^## /m)[0]?.matchAll(/^\| (\d+) \|(.*)$/gm) ?? []
  return new Map(
    Array.from(rows, ([, pitfall, row = '']) => [
      Number(pitfall),
      Array.from(row.matchAll(/`([^`]+\.ts)`/g), ([, path = '']) => path).toSorted(),
    ]),
  )
}

describe('the ten pitfalls', () => {
  it('have tests that are named after them, all of which docs/reliability.md names', async () => {
    const named = new Map(PITFALLS.map((pitfall) => [pitfall, new Set<string>()]))
    for (const { path, text } of await testNames())
      for (const pitfall of pitfallsIn(text)) {
        expect(PITFALLS, `${path} names a pitfall that is none`).toContain(pitfall)
        named.get(pitfall)?.add(path)
      }
    for (const [pitfall, paths] of named) expect(paths.size, `of pitfall ${pitfall}`).toBeGreaterThan(0)
    const files = PITFALLS.map((pitfall) => [pitfall, [...(named.get(pitfall) ?? [])].toSorted()])
    expect([...(await table())]).toEqual(files)
  })

  it('are read from names with one number and with several', () => {
    expect(pitfallsIn('goes on (fault R2, pitfall 3)\nserves all (pitfalls 5, 6 and 10)')).toEqual([
      3, 5, 6, 10,
    ])
  })
})
