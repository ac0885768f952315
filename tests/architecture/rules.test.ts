import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cruiseTree, FOLDERS, REPOSITORY, RULES, violations } from './cruise.js'
import { CLEAN_TREE, PROBES, type Tree } from './probes.js'

let scratch: string
beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'parley-rules-')))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function plant(tree: Tree): Promise<string> {
  const root = await mkdtemp(join(scratch, 'tree-'))
  for (const [path, source] of Object.entries(tree)) {
    const file = join(root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, source)
  }
  return root
}

describe('the dependency rules', () => {
  it('accept a tree in which everything allowed happens', async () => {
    expect(violations(await cruiseTree(await plant(CLEAN_TREE)))).toEqual([])
  })

  const probes = PROBES.map((probe) => [`${probe.rule} alone refuses when ${probe.because}`, probe] as const)
  it.each(probes)('%s', async (_behaviour, { rule, plant: planted }) => {
    const result = await cruiseTree(await plant({ ...CLEAN_TREE, ...planted }))
    const fired = result.summary.violations.map((violation) => violation.rule.name)
    expect([...new Set(fired)], violations(result).join('\n')).toEqual([rule])
  })

  it('have a probe each, and no probe is for a rule that is gone', () => {
    expect([...new Set(PROBES.map(({ rule }) => rule))].sort()).toEqual([...RULES].sort())
  })

  it('say for each adapter folder which technology it may use', async () => {
    const entries = await readdir(join(REPOSITORY, 'adapters'), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    expect(folders.length).toBeGreaterThan(0)
    expect(folders.filter((name) => !RULES.includes(`technology-of-${name}`))).toEqual([])
  })
})

describe('this repository', () => {
  it('is read whole and follows every rule', async () => {
    const result = await cruiseTree(REPOSITORY)
    for (const folder of FOLDERS) {
      const read = result.modules.filter(
        ({ source }) => source.startsWith(`${folder}/`) && source.endsWith('.ts'),
      )
      expect(read.length, folder).toBeGreaterThan(0)
    }
    expect(violations(result)).toEqual([])
  })
})
