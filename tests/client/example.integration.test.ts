import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'

const fenced = (document: string): string[] =>
  Array.from(document.matchAll(/^```\w*\n([\s\S]*?)^```$/gm), ([, text = '']) => text)

describe('the example in docs/client.md', () => {
  let instances: Instances
  let code: string | undefined
  let output: string | undefined

  beforeAll(async () => {
    ;[code, output] = fenced(await readFile('docs/client.md', 'utf8'))
    instances = await startInstances(1)
  })
  afterAll(() => instances.stop())

  it('is the one that is kept with the sources, but for where it finds the client', async () => {
    const source = await readFile('apps/examples/client/main.ts', 'utf8')
    expect(code).toBe(source.replace("'../../client/index.js'", "'parley/client'"))
  })

  it('runs against a server as it stands there, and prints what the page says', async () => {
    const program = ['dist/apps/examples/client/main.js', instances.urls[0] ?? '']
    const { stdout, stderr } = await promisify(execFile)(process.execPath, program, { timeout: 60_000 })
    expect(stderr).toBe('')
    expect(stdout).toBe(output)
  })
})
