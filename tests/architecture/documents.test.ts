import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { VARIABLES } from '../../apps/server/config/variables.js'
import { HTTP_STATUS } from '../../apps/server/contract/errors.js'
import { OPERATIONS } from '../../apps/server/contract/operations/index.js'
import { ROOM_EVENT_DATA } from '../../apps/server/contract/room-events.js'
import { SERVER_EVENTS } from '../../apps/server/contract/server-events.js'
import { REFUSAL_CODES } from '../../core/domain/refusal.js'
import { type ContractDocument, readContract } from './contract-document.js'
import { REPOSITORY } from './cruise.js'
import { LATER } from './later.js'
import { sources } from './sources.js'

/** No client sees the name of a parameter in a path. */
const anonymous = (name: string): string => name.replace(/\/:\w+/g, '/:')
const sorted = (names: Iterable<string>): string[] => [...new Set(Array.from(names, anonymous))].sort()

/** Routes outside `/api/v1` are no operations; they stand in the sources as literals. */
async function otherRoutes(): Promise<string[]> {
  const files = await sources('apps/server')
  const literals = files.flatMap(({ text }) =>
    Array.from(text.matchAll(/\b(?:get\(|url: |routePrefix: )\s*'(\/[a-z./-]*)'/g), ([, path = '']) => path),
  )
  return literals.map((path) => `GET ${path}`)
}

let document: ContractDocument
let readme: string
let inCode: { [Kind in keyof typeof LATER]: string[] }

beforeAll(async () => {
  document = await readContract()
  readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8')
  const operations = OPERATIONS.flatMap(({ http }) =>
    http === undefined ? [] : [`${http.method} /api/v1${http.path}`],
  )
  inCode = {
    routes: sorted([...operations, ...(await otherRoutes())]),
    clientEvents: sorted(OPERATIONS.flatMap(({ event }) => (event === undefined ? [] : [event]))),
    serverEvents: sorted(Object.keys(SERVER_EVENTS)),
    logEvents: sorted(Object.keys(ROOM_EVENT_DATA)),
    variables: sorted(Object.keys(VARIABLES)),
  }
})

describe.each(Object.keys(LATER) as (keyof typeof LATER)[])('docs/contract.md, %s', (kind) => {
  it('lists exactly what the code has and what later issues bring', () => {
    expect(inCode[kind].length).toBeGreaterThan(0)
    expect(sorted([...inCode[kind], ...LATER[kind]])).toEqual(sorted(document[kind]))
  })

  it('promises for later only what is not there yet', () => {
    expect(LATER[kind].filter((name) => inCode[kind].includes(anonymous(name)))).toEqual([])
  })
})

describe('docs/contract.md', () => {
  it('lists each error code with its status, and no other', () => {
    expect(Object.fromEntries(document.codes)).toEqual(HTTP_STATUS)
    expect(REFUSAL_CODES.filter((code) => !document.codes.has(code))).toEqual([])
  })
})

describe('README.md', () => {
  const table = () =>
    Array.from(readme.matchAll(/^\| (`[A-Z][^|]*) \| ([^|]*) \|/gm), ([, names = '', defaults = '']) => ({
      names: Array.from(names.matchAll(/`([A-Z][A-Z0-9_]+)`/g), ([, name = '']) => name),
      defaults,
    }))

  it('lists each environment variable, and none that the server does not read', () => {
    const named = table().flatMap(({ names }) => names)
    // Node's own, by which a server knows that it runs in production.
    expect(sorted(named)).toEqual(sorted([...inCode.variables, 'NODE_ENV']))
  })

  it('gives the defaults that hold', () => {
    const defaults: Record<string, { default: string | null }> = VARIABLES
    const wrong = table().flatMap((row) =>
      row.names.filter((name) => !row.defaults.includes(defaults[name]?.default ?? '')),
    )
    expect(wrong).toEqual([])
  })
})

describe('the sources', () => {
  it('read the environment in the configuration of the server alone', async () => {
    const files = (await Promise.all(['core', 'adapters', 'apps'].map(sources))).flat()
    const readers = files
      .filter(({ text }) => /\bprocess\.env\b(?!\.PATH\b)/.test(text))
      .map(({ path }) => path)
    expect(
      readers.filter((path) => !/^apps\/((server|cluster)\/main|server\/config|examples|bench)/.test(path)),
    ).toEqual([])
  })
})
