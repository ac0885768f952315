import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstances } from '../support/instances.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { ServerDidNotStart, startServer } from '../support/server-process.js'

const SECRET = randomBytes(48).toString('base64url')

/** What a server that must not start leaves behind: its exit code and the lines that it wrote. */
async function refusal(variables: Record<string, string>): Promise<{ code: number | null; lines: string[] }> {
  const outcome = await startServer({ PARLEY_AUTH_SECRET: SECRET, ...variables }, 60_000).catch(
    (e: unknown) => e,
  )
  if (!(outcome instanceof ServerDidNotStart)) throw new Error('the server started')
  return { code: outcome.exitCode, lines: outcome.output.trimEnd().split('\n') }
}

const closedPort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

describe('a server with mistakes in its configuration', () => {
  it('tells each in a line of its own and exits with 2', async () => {
    const { code, lines } = await refusal({
      PORT: '70000',
      LOG_LEVEL: 'loud',
      PARLEY_LIMIT_FACTOR: '0',
      PARLEY_TRUSTED_PROXIES: 'nowhere',
      PARLEY_AUTH_SECERT: 'x',
      REDIS_URL: 'http://127.0.0.1',
      REDIS_SENTINELS: '127.0.0.1:26379',
      DATABASE_DIRECT_URL: 'postgres://127.0.0.1/x',
    })
    expect(code).toBe(2)
    const names = lines.map((line) => line.split(' ')[0]).sort()
    expect(names).toEqual([
      'DATABASE_DIRECT_URL',
      'LOG_LEVEL',
      'PARLEY_AUTH_SECERT',
      'PARLEY_LIMIT_FACTOR',
      'PARLEY_TRUSTED_PROXIES',
      'PORT',
      'REDIS_SENTINELS',
      'REDIS_URL',
    ])
  })

  it('does not repeat a secret that it refuses', async () => {
    const { code, lines } = await refusal({
      PARLEY_AUTH_SECRET: 'hunter2hunter2',
      PARLEY_ADMIN_TOKEN: 'hunter3',
    })
    expect(code).toBe(2)
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain('hunter')
  })

  it('asks for the secret that all instances on one database share', async () => {
    const { code, lines } = await refusal({ DATABASE_URL: database.url, PARLEY_AUTH_SECRET: '' })
    expect(code).toBe(2)
    expect(lines).toEqual([expect.stringContaining('PARLEY_AUTH_SECRET')])
  })
})

describe('a server that cannot have what it needs', () => {
  it('names the port that is taken, in one line', async () => {
    const instances = await startInstances(1)
    try {
      const [url = ''] = instances.urls
      const { port } = new URL(url)
      const { code, lines } = await refusal({ ...instances.variables, PORT: port })
      expect(code).toBe(1)
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain('EADDRINUSE')
      expect(lines[0]).toContain(port)
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
    } finally {
      await instances.stop()
    }
  })

  const badUrls: Record<string, () => Promise<string>> = {
    'at which nobody listens': async () =>
      `postgres://parley:quiet-word@127.0.0.1:${await closedPort()}/parley`,
    'with a host that does not exist': async () => 'postgres://parley:quiet-word@nowhere.invalid/parley',
    'with a database that does not exist': async () => `${database.url}_gone`,
    'with a wrong password': async () => {
      const url = new URL(database.url)
      url.password = 'quiet-word'
      return url.href
    },
  }
  it.each(Object.entries(badUrls))('says in one line that it has a DATABASE_URL %s', async (_name, urlOf) => {
    const url = await urlOf()
    const { code, lines } = await refusal({ DATABASE_URL: url })
    expect(code).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^Parley cannot start: Postgres at \S+ \(DATABASE_URL\) cannot be used \(.+\)$/)
    expect(lines[0]).not.toContain(new URL(url).password)
    expect(lines[0]).not.toMatch(/ at .*\.js/)
  })

  it('does not wait forever for a Postgres that accepts connections and never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    try {
      const { port } = silent.address() as AddressInfo
      const { code, lines } = await refusal({
        DATABASE_URL: `postgres://parley:quiet-word@127.0.0.1:${port}/p`,
      })
      expect(code).toBe(1)
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain('DATABASE_URL')
    } finally {
      silent.close()
    }
  })

  it('says in one line that its data directory is a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-start-'))
    try {
      const dataDir = join(folder, 'data')
      await writeFile(dataDir, '')
      const { code, lines } = await refusal({ PARLEY_DATA_DIR: dataDir })
      expect(code).toBe(1)
      expect(lines).toEqual([expect.stringContaining(dataDir)])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
