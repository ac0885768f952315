import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  DataDirectoryInUse,
  type OwnershipLoss,
  startEmbeddedPostgres,
} from '../../apps/server/embedded-postgres/index.js'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import { type CompiledProgram, compileProgram } from '../support/compiled.js'
import {
  eventually,
  OwnerProcess,
  type TemporaryDirectory,
  temporaryDirectory,
} from '../support/postgres-cluster.js'

let program: CompiledProgram
let directory: TemporaryDirectory
let owners: OwnerProcess[] = []

beforeAll(async () => {
  program = await compileProgram('tests/support/embedded-postgres-owner.ts')
})

afterAll(() => program.remove())

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(async () => {
  await Promise.all(owners.map((owner) => owner.end('SIGKILL')))
  owners = []
  await directory.remove()
})

function launch(mode: 'hold' | 'write' = 'hold'): OwnerProcess {
  const owner = new OwnerProcess(program.path, directory.dataDir, mode)
  owners.push(owner)
  return owner
}

describe('a data directory has one owner', () => {
  it('fault P12: refuses a second server, naming the first, which goes on unharmed', async () => {
    const first = launch('write')
    const { postgresPid, url } = await first.ready()
    const second = await launch().outcome()
    expect(second).toMatchObject({ event: 'failed', name: 'DataDirectoryInUse' })
    const { message } = second as { message: string }
    expect(message).toContain(`in use by the server with pid ${first.child.pid}`)
    expect(message).toContain('DATABASE_URL')
    expect(message).not.toContain('\n')

    const acked = first.acked().length
    await eventually('the first server goes on writing', () => first.acked().length > acked + 50)
    expect(await isAlive(postgresPid)).toBe(true)
    const sql = postgres(url, { max: 1 })
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
    await sql.end()
  })

  it('refuses a second start inside the same process', async () => {
    const owned = await startEmbeddedPostgres({ dataDir: directory.dataDir })
    try {
      const second = startEmbeddedPostgres({ dataDir: directory.dataDir })
      await expect(second).rejects.toBeInstanceOf(DataDirectoryInUse)
      await expect(second).rejects.toMatchObject({ holderPid: process.pid })
    } finally {
      await owned.stop()
    }
  })

  it('goes to exactly one of three servers that start at once on an empty directory', async () => {
    const outcomes = await Promise.all([launch(), launch(), launch()].map((owner) => owner.outcome()))
    const winners = outcomes.filter(({ event }) => event === 'ready')
    const losers = outcomes.filter(({ event }) => event === 'failed')
    expect(winners).toHaveLength(1)
    for (const loser of losers) expect(loser).toMatchObject({ name: 'DataDirectoryInUse' })
    const winner = owners.find(({ events }) => events.some(({ event }) => event === 'ready'))
    for (const { message } of losers as { message: string }[])
      expect(message).toContain(`pid ${winner?.child.pid}`)
    expect((await readdir(directory.dataDir)).filter((name) => name.includes('.init-'))).toEqual([])
  })

  it('passes to the next server as soon as the first has stopped', async () => {
    const first = launch()
    const { postgresPid } = await first.ready()
    await first.end('SIGTERM')
    expect(first.events.at(-1)).toEqual({ event: 'stopped' })
    expect(await isAlive(postgresPid)).toBe(false)
    expect(await launch().ready()).toMatchObject({ adopted: false })
  })

  it('keeps Postgres when Ctrl-C reaches every process of the terminal', async () => {
    const owner = launch('write')
    const { postgresPid } = await owner.ready()
    process.kill(-(owner.child.pid ?? Number.NaN), 'SIGINT')
    const acked = owner.acked().length
    await eventually('the server goes on writing', () => owner.acked().length > acked + 50)
    expect(await isAlive(postgresPid)).toBe(true)
  })
})

describe('an owner that loses Postgres', () => {
  async function ownWithLosses() {
    const owned = await startEmbeddedPostgres({ dataDir: directory.dataDir })
    const losses: OwnershipLoss[] = []
    let restored = 0
    owned.onLost((loss) => losses.push(loss))
    owned.onRestored(() => {
      restored++
    })
    return { owned, losses, restoredTimes: () => restored }
  }

  it('says so, starts it again on the same port and takes the lock back', async () => {
    const { owned, losses, restoredTimes } = await ownWithLosses()
    const sql = postgres(owned.url, { max: 2, onnotice: () => undefined })
    try {
      await sql`create table kept as select 'a row' as text`
      const crashed = owned.postgresPid
      process.kill(crashed, 'SIGKILL')
      await eventually('the ownership is restored', () => restoredTimes() === 1)
      expect(losses).toMatchObject([{ final: false }])
      expect(owned.postgresPid).not.toBe(crashed)
      await eventually('the pool reconnects', () => sql`select 1`.then(() => true).catch(() => false))
      expect(await sql`select text from kept`).toEqual([{ text: 'a row' }])
      const refused = launch().outcome()
      expect(await refused).toMatchObject({ event: 'failed', name: 'DataDirectoryInUse' })
    } finally {
      await sql.end({ timeout: 1 })
      await owned.stop()
    }
    expect(await isAlive(owned.postgresPid)).toBe(false)
  })

  it('takes the lock back when only its connection was ended', async () => {
    const { owned, losses, restoredTimes } = await ownWithLosses()
    const sql = postgres(owned.adminUrl, { max: 1 })
    try {
      const { postgresPid } = owned
      await sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'`
      await eventually('the ownership is restored', () => restoredTimes() === 1)
      expect(losses).toHaveLength(1)
      expect(owned.postgresPid).toBe(postgresPid)
    } finally {
      await sql.end()
      await owned.stop()
    }
  })

  it('says that the loss is final when another server took the directory meanwhile', async () => {
    const { owned, losses } = await ownWithLosses()
    const sql = postgres(owned.adminUrl, { max: 1 })
    // A lock that waits is granted in the moment the owner's goes, so the owner cannot be faster.
    const thief = postgres(owned.adminUrl, {
      max: 1,
      connection: { application_name: `parley-owner ${process.pid} thief` },
    })
    try {
      const [held] =
        await sql`select classid::int8 as a, objid::int8 as b, pid from pg_locks where locktype = 'advisory'`
      const stolen = thief`select pg_advisory_lock(${held?.a}::int, ${held?.b}::int)`.then(() => true)
      await eventually(
        'the thief waits',
        async () => (await sql`select from pg_locks where not granted`).length === 1,
      )
      await sql`select pg_terminate_backend(${held?.pid})`
      expect(await stolen).toBe(true)
      await eventually('the loss is called final', () => losses.some(({ final }) => final))
      expect(losses.map(({ final }) => final)).toEqual([false, true])
      await owned.stop()
      expect(await isAlive(owned.postgresPid)).toBe(true)
    } finally {
      await Promise.all([sql.end({ timeout: 1 }), thief.end({ timeout: 1 })])
      await owned.stop()
    }
  })
})

describe('where the server runs as root', () => {
  it.runIf(process.getuid?.() === 0)(
    'keeps the database of a directory that its account cannot reach in the system directory',
    async () => {
      const closed = join(directory.path, 'closed')
      await mkdir(closed, { mode: 0o700 })
      const dataDir = join(closed, 'data')
      const systemDir = join(directory.path, 'system')
      const log: string[] = []
      const options = { dataDir, systemDir, log: (line: string) => log.push(line) }
      const first = await startEmbeddedPostgres(options)
      expect(first.clusterDir.startsWith(join(systemDir, '/'))).toBe(true)
      expect(log.join('\n')).toMatch(/cannot reach .*its database is in/)
      await first.stop()
      const second = await startEmbeddedPostgres(options)
      expect(second.clusterDir).toBe(first.clusterDir)
      await second.stop()
    },
  )
})
