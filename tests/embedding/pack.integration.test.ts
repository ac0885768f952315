import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../adapters/postgres/index.js'
import manifest from '../../package.json' with { type: 'json' }
import { startInstances } from '../support/instances.js'
import { testDatabase } from '../support/postgres.js'
import { compile, installed, type Package, pack, runScript, scratchProject } from './packed.js'

const MAY_BE_PACKED = [
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|docs\/(client|contract)\.md)$/,
  /^dist\/(core|adapters|apps\/(client|testing)|tests\/contracts)\/.+\.(js|d\.ts)$/,
  /^dist\/adapters\/postgres\/migrations\/.+\.sql$/,
]
const MUST_BE_PACKED = [
  'LICENSE',
  'README.md',
  'dist/core/index.js',
  'dist/core/index.d.ts',
  'dist/adapters/memory/index.js',
  'dist/adapters/postgres/index.js',
  'dist/adapters/redis/index.js',
  'dist/adapters/failover/index.js',
  'dist/adapters/mediator/index.js',
  'dist/adapters/system/index.js',
  'dist/apps/client/index.js',
  'dist/apps/client/index.d.ts',
  'dist/apps/testing/index.js',
]
const LOG = ['1 member.joined', '2 member.joined', '3 message.sent Dinner at seven?']

let folder: string
let packed: Package

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-embedding-'))
  packed = await pack(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the packed package', () => {
  it('holds what an embedder imports, and no test, no server and no source', () => {
    expect(packed.files.filter((path) => !MAY_BE_PACKED.some((allowed) => allowed.test(path)))).toEqual([])
    expect(
      packed.files.filter((path) =>
        /\.test\.|\.integration\.|^dist\/apps\/(?!(client|testing)\/)/.test(path),
      ),
    ).toEqual([])
    expect(MUST_BE_PACKED.filter((path) => !packed.files.includes(path))).toEqual([])
    expect(packed.files.some((path) => path.endsWith('.contract.js'))).toBe(true)
    expect(packed.files.some((path) => path.endsWith('.sql'))).toBe(true)
  })

  it('runs in memory with no package but its one dependency, and type-checks', async () => {
    const project = await scratchProject(folder, packed.tarball, [], 'memory.ts')
    expect(await installed(project)).toEqual(['clone', 'node-cache', 'parley'])
    await compile(project)
    expect(await runScript(project)).toEqual(LOG)
  })

  it('talks to a server with only socket.io-client installed besides, and type-checks', async () => {
    const instances = await startInstances(1)
    try {
      const project = await scratchProject(
        folder,
        packed.tarball,
        [`socket.io-client@${manifest.peerDependencies['socket.io-client']}`],
        'client.ts',
      )
      // node-cache is there because the package has it for other subpaths; nothing else came.
      expect(await installed(project)).toEqual([
        '@socket.io/component-emitter',
        'clone',
        'debug',
        'engine.io-client',
        'engine.io-parser',
        'ms',
        'node-cache',
        'parley',
        'socket.io-client',
        'socket.io-parser',
        'ws',
        'xmlhttprequest-ssl',
      ])
      await compile(project)
      const printed = await runScript(project, { EMBEDDER_SERVER_URL: instances.urls[0] ?? '' })
      expect(printed).toEqual(['delivered', 'Ada', 'NOT_FOUND'])
    } finally {
      await instances.stop()
    }
  })

  it('runs on Postgres with only postgres installed besides, and type-checks', async () => {
    const database = await testDatabase()
    try {
      await migrate(database.url)
      const project = await scratchProject(
        folder,
        packed.tarball,
        [`postgres@${manifest.peerDependencies.postgres}`],
        'postgres.ts',
      )
      expect(await installed(project)).toEqual(['clone', 'node-cache', 'parley', 'postgres'])
      await compile(project)
      expect(await runScript(project, { EMBEDDER_DATABASE_URL: database.url })).toEqual(LOG)
    } finally {
      await database.drop()
    }
  })
})
