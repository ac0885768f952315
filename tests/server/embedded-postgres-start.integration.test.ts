import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type EmbeddedPostgres,
  EmbeddedPostgresFailed,
  type EmbeddedPostgresOptions,
  IncompatibleDataDirectory,
  startEmbeddedPostgres,
} from '../../apps/server/embedded-postgres/index.js'
import { packagedNativeDir } from '../../apps/server/embedded-postgres/native-binaries.js'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import { type TemporaryDirectory, temporaryDirectory } from '../support/postgres-cluster.js'

const ROOT = process.getuid?.() === 0

let directory: TemporaryDirectory
let running: EmbeddedPostgres[] = []
const log: string[] = []

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()))
  running = []
  log.length = 0
  await directory.remove()
})

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const started = await startEmbeddedPostgres({
    dataDir: directory.dataDir,
    systemDir: join(directory.path, 'system'),
    log: (line) => log.push(line),
    ...options,
  })
  running.push(started)
  return started
}

async function query(url: string, text: string): Promise<postgres.Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 })
    const settle = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false))
  })
}

/** Every file below a folder with its size and time of change. */
async function fingerprint(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const facts = names.map(async (name) => {
    const { size, mtimeMs } = await stat(join(folder, name))
    return `${name} ${size} ${mtimeMs}`
  })
  return (await Promise.all(facts)).sort()
}

describe('an embedded Postgres on an empty directory', () => {
  it('is created with a database of the application, durable, UTF-8 and without a superuser in the URL', async () => {
    const { url } = await start()
    const [facts] = await query(
      url,
      `select current_database() as database, current_user as role, current_setting('is_superuser') as super,
              current_setting('fsync') as fsync, current_setting('jit') as jit,
              current_setting('server_encoding') as encoding, current_setting('wal_segment_size') as segment,
              to_tsvector('simple', 'ÉCOLE hello—world')::text as words`,
    )
    expect(facts).toEqual({
      database: 'parley',
      role: 'parley',
      super: 'off',
      fsync: 'on',
      jit: 'off',
      encoding: 'UTF8',
      segment: '4MB',
      words: "'hello':2 'world':3 'école':1",
    })
  })

  it('keeps its passwords, its log and its cluster from others', async () => {
    const { clusterDir } = await start()
    expect(clusterDir).toBe(join(directory.dataDir, 'postgres'))
    expect(await modeOf(join(directory.dataDir, 'postgres-secrets.json'))).toBe('600')
    expect(await modeOf(join(directory.dataDir, 'postgres.log'))).toBe('600')
    expect(await modeOf(clusterDir)).toBe('700')
    expect(await modeOf(directory.dataDir)).toBe(ROOT ? '711' : '700')
    expect((await readdir(directory.dataDir)).filter((name) => name.includes('.init-'))).toEqual([])
  })

  it('listens on loopback only, asks for the password and opens no socket file', async () => {
    const { url, adminUrl } = await start()
    const port = Number(new URL(url).port)
    expect(await canConnect('127.0.0.1', port)).toBe(true)
    const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    for (const { address } of outside.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      expect(await canConnect(address, port), address).toBe(false)
    }
    const [settings] = await query(
      adminUrl,
      `select current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets`,
    )
    expect(settings).toEqual({ listen: '127.0.0.1', sockets: '' })
    const guessed = new URL(adminUrl)
    guessed.password = 'postgres'
    await expect(query(guessed.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  it('refuses a folder in its place that is no database, and leaves it alone', async () => {
    await mkdir(join(directory.dataDir, 'postgres'), { recursive: true })
    await writeFile(join(directory.dataDir, 'postgres', 'letter.txt'), 'mine')
    await expect(start()).rejects.toThrow('is not empty and not a database directory')
    expect(await readFile(join(directory.dataDir, 'postgres', 'letter.txt'), 'utf8')).toBe('mine')
  })

  it('says in one line why it cannot start, with the end of the log of Postgres', async () => {
    await (await start()).stop()
    const failure = await start({ settings: { shared_buffers: 'plenty' } }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EmbeddedPostgresFailed)
    expect(String(failure)).toMatch(
      /did not start .*invalid value for parameter "shared_buffers".*postgres\.log/,
    )
    expect(String(failure)).not.toContain('\n')
  })
})

describe('an embedded Postgres on a directory with data', () => {
  it('starts warm with the same passwords and rows, within five seconds', async () => {
    const first = await start()
    await query(first.url, `create table kept as select 'a row' as text`)
    await first.stop()
    const before = Date.now()
    const second = await start()
    expect(Date.now() - before).toBeLessThan(5_000)
    expect(second.adopted).toBe(false)
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
    expect(await query(second.url, 'select text from kept')).toEqual([{ text: 'a row' }])
  })

  it('bounds the log of Postgres, keeping the older part aside', async () => {
    await (await start()).stop()
    const path = join(directory.dataDir, 'postgres.log')
    await writeFile(path, 'LOG:  an old line\n'.repeat(500_000))
    await start()
    expect((await stat(path)).size).toBeLessThan(100_000)
    expect(await readFile(path, 'utf8')).toContain('ready to accept connections')
    expect((await stat(`${path}.1`)).size).toBeGreaterThan(8_000_000)
  })

  it('stops for good, and twice does no harm', async () => {
    const owned = await start()
    await Promise.all([owned.stop(), owned.stop()])
    await owned.stop()
    expect(await isAlive(owned.postgresPid)).toBe(false)
    expect(await readPostmasterFile(owned.clusterDir)).toBeNull()
  })

  it('refuses the directory of another major version in one line and touches nothing', async () => {
    const { clusterDir } = await start()
    await Promise.all(running.map((one) => one.stop()))
    await writeFile(join(clusterDir, 'PG_VERSION'), '17\n')
    const before = await fingerprint(directory.dataDir)
    const failure = await start().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(IncompatibleDataDirectory)
    expect(String(failure)).toMatch(/^IncompatibleDataDirectory: .*PostgreSQL 17.*PostgreSQL 18[^\n]*$/)
    expect(await fingerprint(directory.dataDir)).toEqual(before)
  })

  it('says so when the passwords are lost or do not fit', async () => {
    await (await start()).stop()
    const secrets = join(directory.dataDir, 'postgres-secrets.json')
    await writeFile(secrets, JSON.stringify({ superuserPassword: 'wrong', appPassword: 'wrong' }))
    await expect(start()).rejects.toThrow('do not fit the database')
    await rm(secrets)
    await expect(start()).rejects.toThrow('the file is missing')
  })
})

describe('the programs of embedded-postgres', () => {
  async function copyOfNative(): Promise<string> {
    const nativeDir = join(directory.path, 'package', 'native')
    await cp(packagedNativeDir(), nativeDir, { recursive: true, verbatimSymlinks: true })
    await cp(join(packagedNativeDir(), '..', 'package.json'), join(nativeDir, '..', 'package.json'))
    return nativeDir
  }

  async function removeLinks(nativeDir: string): Promise<void> {
    const links: { target: string }[] = JSON.parse(
      await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8'),
    )
    expect(links.length).toBeGreaterThan(0)
    for (const { target } of links) await rm(join(nativeDir, '..', target), { force: true })
  }

  it('get the library links that an install without scripts leaves out', async () => {
    const nativeDir = await copyOfNative()
    await removeLinks(nativeDir)
    const { url } = await start({ nativeDir })
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(log).toContain('Made the missing library links of embedded-postgres.')
  })

  it('are copied where the account of the database cannot use them in place', async () => {
    const nativeDir = await copyOfNative()
    await removeLinks(nativeDir)
    // Root writes anywhere, but its database account cannot pass; another user cannot make the links.
    const closed = ROOT ? join(nativeDir, '..') : join(nativeDir, 'lib')
    await chmod(closed, ROOT ? 0o700 : 0o500)
    const { adminUrl } = await start({ nativeDir })
    await chmod(closed, 0o700)
    const [folder] = await query(adminUrl, `select setting from pg_config where name = 'BINDIR'`)
    expect(log.join('\n')).toContain(`${nativeDir} cannot be used in place: copied to`)
    expect(folder?.setting).toMatch(/native-18[^/]*\/bin$/)
  })
})
