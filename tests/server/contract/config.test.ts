import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../apps/server/config/read-config.js'
import { generatedSecret } from '../../../apps/server/config/secrets.js'

const SECRET = 'fJ2kq0wZ9sLx7vTb3nYc8mHd5rGa1eUo6iPq'

const mistakesOf = (env: Record<string, string>): readonly string[] => {
  const read = readConfig(env)
  return 'mistakes' in read ? read.mistakes : []
}

describe('readConfig', () => {
  it('needs no variable at all', () => {
    expect(readConfig({})).toEqual({
      config: {
        host: '127.0.0.1',
        port: 3000,
        databaseUrl: null,
        databaseDirectUrl: null,
        dataDir: './data',
        authSecret: null,
        adminToken: null,
        publicUrl: null,
        origins: [],
        trustedProxies: [],
        metricsToken: null,
        sessionMaxMs: 30 * 86_400_000,
        limitFactor: 1,
        logLevel: 'info',
      },
    })
  })

  it('reads what is set, and takes an empty value for unset', () => {
    const read = readConfig({
      PORT: '0',
      DATABASE_URL: 'postgres://me@db/parley',
      PARLEY_AUTH_SECRET: SECRET,
      PARLEY_ORIGINS: 'https://a.example, https://b.example:8443',
      PARLEY_TRUSTED_PROXIES: '10.0.0.0/8,::1',
      PARLEY_PUBLIC_URL: 'https://chat.example/',
      PARLEY_SESSION_MAX_DAYS: '0.5',
      PARLEY_ADMIN_TOKEN: '',
    })
    expect(read).toMatchObject({
      config: {
        port: 0,
        databaseDirectUrl: 'postgres://me@db/parley',
        origins: ['https://a.example', 'https://b.example:8443'],
        trustedProxies: ['10.0.0.0/8', '::1'],
        publicUrl: 'https://chat.example',
        sessionMaxMs: 43_200_000,
        adminToken: null,
      },
    })
  })

  it('tells every mistake in a line of its own, without the values', () => {
    const lines = mistakesOf({ PORT: '70000', LOG_LEVEL: 'loud', PARLEY_AUTH_SECRET: 'hunter2', HOST: 'a b' })
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'HOST',
      'PORT',
      'PARLEY_AUTH_SECRET',
      'LOG_LEVEL',
    ])
    expect(lines.join('\n')).not.toMatch(/hunter2|70000|loud/)
  })

  it.each([
    ['short', 'x9Kq2'],
    ['a placeholder', 'change-me-change-me-change-me-change-me'],
    ['of one character', 'a'.repeat(64)],
  ])('refuses an auth secret that is %s (input I4)', (_kind, secret) => {
    expect(mistakesOf({ PARLEY_AUTH_SECRET: secret })).toHaveLength(1)
  })

  it('requires an auth secret in production and beside a database of its own (input I4)', () => {
    expect(mistakesOf({ NODE_ENV: 'production' })).toEqual([
      expect.stringContaining('PARLEY_AUTH_SECRET is required'),
    ])
    expect(mistakesOf({ DATABASE_URL: 'postgres://db/parley' })).toEqual([
      expect.stringContaining('PARLEY_AUTH_SECRET is required'),
    ])
    expect(mistakesOf({ NODE_ENV: 'production', PARLEY_AUTH_SECRET: SECRET })).toEqual([])
  })

  it('refuses a short administrator token in production', () => {
    const env = { PARLEY_ADMIN_TOKEN: 'a-token-of-mine' }
    expect(mistakesOf(env)).toEqual([])
    expect(mistakesOf({ ...env, NODE_ENV: 'production', PARLEY_AUTH_SECRET: SECRET })).toHaveLength(1)
  })

  it.each([
    'https://chat.example/app',
    'chat.example',
    'https://CHAT.example',
    '*',
    'null',
    'https://a.example https://b.example',
    'ftp://a.example',
  ])('refuses the origin %s', (origin) => {
    expect(mistakesOf({ PARLEY_ORIGINS: origin })).toHaveLength(1)
  })

  it.each(['10.0.0.0/99', 'everyone', '300.1.1.1'])('refuses the proxy %s', (proxy) => {
    expect(mistakesOf({ PARLEY_TRUSTED_PROXIES: proxy })).toHaveLength(1)
  })

  it.each(['REDIS_URL', 'MEDIATOR_BASE_URL', 'PARLEY_TTL_VERDICT_MS'])(
    'refuses %s, which would otherwise do nothing',
    (name) => {
      expect(mistakesOf({ [name]: '1' })).toEqual([expect.stringContaining('later version')])
    },
  )

  it('leaves alone what the measurements of this project read', () => {
    expect(readConfig({ PARLEY_EVAL_DATA: '../data' })).toHaveProperty('config')
  })

  it('refuses a misspelt name of its own, and leaves names of others alone', () => {
    expect(mistakesOf({ PARLEY_ORIGIN: 'https://a.example', HOME: '/root', DATABASE_POOL: '3' })).toEqual([
      'PARLEY_ORIGIN is not a variable of Parley',
    ])
  })
})

describe('generatedSecret', () => {
  it('makes one secret a directory, readable by its owner alone, and keeps it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-secret-'))
    try {
      const dataDir = join(directory, 'data')
      const secrets = await Promise.all([1, 2, 3].map(() => generatedSecret(dataDir, 'auth-secret')))
      expect(new Set(secrets).size).toBe(1)
      expect(secrets[0]).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect((await readFile(join(dataDir, 'auth-secret'), 'utf8')).trim()).toBe(secrets[0])
      expect((await stat(join(dataDir, 'auth-secret'))).mode & 0o777).toBe(0o600)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
