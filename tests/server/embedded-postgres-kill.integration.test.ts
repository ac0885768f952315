import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../apps/server/embedded-postgres/index.js'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import { type CompiledProgram, compileProgram } from '../support/compiled.js'
import {
  eventually,
  OwnerProcess,
  type TemporaryDirectory,
  temporaryDirectory,
} from '../support/postgres-cluster.js'

const ROUNDS = 5

let program: CompiledProgram
let directory: TemporaryDirectory
let owners: OwnerProcess[] = []
let running: EmbeddedPostgres[] = []

beforeAll(async () => {
  program = await compileProgram('tests/support/embedded-postgres-owner.ts')
})

afterAll(() => program.remove())

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(async () => {
  await Promise.all(owners.map((owner) => owner.end('SIGKILL')))
  await Promise.all(running.map((one) => one.stop()))
  owners = []
  running = []
  await directory.remove()
})

function launch(mode: 'hold' | 'write'): OwnerProcess {
  const owner = new OwnerProcess(program.path, directory.dataDir, mode)
  owners.push(owner)
  return owner
}

async function start(): Promise<EmbeddedPostgres> {
  const started = await startEmbeddedPostgres({ dataDir: directory.dataDir })
  running.push(started)
  return started
}

async function storedRows(url: string): Promise<Set<string>> {
  const sql = postgres(url, { max: 1 })
  const rows = await sql<{ row: string }[]>`select row from written`
  await sql.end()
  return new Set(rows.map(({ row }) => row))
}

async function killWhileWriting(withPostgres: boolean): Promise<{ acked: string[]; postgresPid: number }> {
  const owner = launch('write')
  const { postgresPid } = await owner.ready()
  await eventually('rows are acked', () => owner.acked().length > 20)
  await sleep(Math.random() * 200)
  if (withPostgres) process.kill(postgresPid, 'SIGKILL')
  await owner.end('SIGKILL')
  return { acked: owner.acked(), postgresPid }
}

describe('after kill -9 of the server while it writes', () => {
  it('fault P11: the next server adopts the running Postgres, and every acked row is there', async () => {
    const acked: string[] = []
    let orphan: number | null = null
    for (let round = 0; round < ROUNDS; round++) {
      const killed = await killWhileWriting(false)
      acked.push(...killed.acked)
      orphan ??= killed.postgresPid
      expect(killed.postgresPid).toBe(orphan)
    }
    const survivor = await start()
    expect(survivor.adopted).toBe(true)
    const stored = await storedRows(survivor.url)
    expect(acked.filter((row) => !stored.has(row))).toEqual([])
    expect(acked.length).toBeGreaterThan(ROUNDS * 20)
  })

  it('fault P11: with Postgres killed too, each start recovers, and every acked row is there', async () => {
    const acked: string[] = []
    for (let round = 0; round < ROUNDS; round++) acked.push(...(await killWhileWriting(true)).acked)
    const survivor = await start()
    expect(survivor.adopted).toBe(false)
    const stored = await storedRows(survivor.url)
    expect(acked.filter((row) => !stored.has(row))).toEqual([])
    expect(acked.length).toBeGreaterThan(ROUNDS * 20)
  })

  it('waits for an orphan that is going down, and starts a new one', async () => {
    const owner = launch('hold')
    const { postgresPid, url } = await owner.ready()
    const guest = postgres(url, { max: 1 })
    await guest`select 1`
    await owner.end('SIGKILL')
    // The smart shutdown lasts until the last guest has left.
    process.kill(postgresPid, 'SIGTERM')
    await eventually('Postgres is stopping', async () =>
      (await readFile(join(directory.dataDir, 'postgres', 'postmaster.pid'), 'utf8')).includes('stopping'),
    )
    let settled = false
    const next = start().finally(() => {
      settled = true
    })
    await sleep(300)
    expect(settled).toBe(false)
    await guest.end()
    const { adopted, postgresPid: fresh } = await next
    expect(adopted).toBe(false)
    expect(fresh).not.toBe(postgresPid)
  })
})

describe('a postmaster.pid that is out of date', () => {
  /** What a killed Postgres leaves, with another pid in it. */
  async function leavePidFile(pid: number): Promise<void> {
    const owned = await start()
    const path = join(owned.clusterDir, 'postmaster.pid')
    const lines = (await readFile(path, 'utf8')).split('\n')
    await owned.stop()
    await writeFile(path, [pid, ...lines.slice(1)].join('\n'), { mode: 0o600 })
    const { uid, gid } = await stat(owned.clusterDir)
    await chown(path, uid, gid)
  }

  async function foreignProcess(command: string, args: string[]): Promise<ChildProcess> {
    // Of the account that owns the cluster: for such a pid Postgres itself refuses to start.
    const { uid, gid } = await stat(join(directory.dataDir, 'postgres'))
    const foreign = spawn(command, args, { uid, gid, cwd: '/', stdio: 'ignore' })
    await once(foreign, 'spawn')
    return foreign
  }

  it('does not hinder a start when the process is gone', async () => {
    await (await start()).stop()
    const gone = await foreignProcess('true', [])
    await once(gone, 'exit')
    await leavePidFile(gone.pid ?? 0)
    expect((await start()).adopted).toBe(false)
  })

  it('does not hinder a start when the pid is a foreign process by now, which is left alone', async () => {
    await (await start()).stop()
    const foreign = await foreignProcess('sleep', ['600'])
    try {
      await leavePidFile(foreign.pid ?? 0)
      const owned = await start()
      expect(owned.adopted).toBe(false)
      expect(owned.postgresPid).not.toBe(foreign.pid)
      expect(await isAlive(foreign.pid ?? 0)).toBe(true)
      await owned.stop()
      expect(await isAlive(foreign.pid ?? 0)).toBe(true)
    } finally {
      foreign.kill('SIGKILL')
    }
  })

  it('does not hinder a start when a crash of the machine left it empty', async () => {
    await leavePidFile(0)
    const path = join(directory.dataDir, 'postgres', 'postmaster.pid')
    await writeFile(path, '')
    expect((await start()).adopted).toBe(false)
  })
})
