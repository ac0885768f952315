import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import { until } from '../support/person.js'

let dataDir: string
let child: ChildProcessByStdio<null, Readable, null> | undefined

afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
})

/** The pid of the embedded Postgres, or null while there is none. */
const postgresPid = async (): Promise<number | null> => {
  const file = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null)
  return file === null ? null : Number.parseInt(file, 10) || null
}

it('ends with what it has started when it is told to stop before it is ready', async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-stop-'))
  // As root, Postgres runs as another account, which must be able to pass.
  await chmod(dataDir, 0o711)
  const env = { PATH: process.env.PATH ?? '', PORT: '0', PARLEY_DATA_DIR: dataDir, LOG_LEVEL: 'warn' }
  child = spawn(process.execPath, ['dist/apps/server/main.js'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await until('the embedded Postgres runs', async () => (await postgresPid()) !== null, 30_000)
  expect(output).toBe('')
  child.kill('SIGTERM')
  const [code] = await exited
  expect(code).toBe(0)
  expect(output).not.toContain('ready')
  // Removed by a clean shutdown only.
  expect(await postgresPid()).toBeNull()
})
