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
        redisUrls: null,
        redisSentinels: null,
        redisPrefix: 'parley:',
        dataDir: './data',
        authSecret: null,
        adminToken: null,
        publicUrl: null,
        origins: [],
        trustedProxies: [],
        metricsToken: null,
        sessionMaxMs: 30 * 86_400_000,
        limitFactor: 1,
        lifetimes: { sessionMs: 300_000, messagesMs: 120_000 },
        cacheBounds: { maxEntries: 10_000, maxBytes: 32 * 1_024 * 1_024 },
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

  it.each([
    [['redis://127.0.0.1']],
    [['rediss://me:a%23word@cache.example:6380/3']],
    [['redis://[::1]:7000', 'redis://[::1]:7001']],
    [['rediss://:word@a.example', 'rediss://:word@b.example/0']],
  ])('reads %j as where Redis is', (urls) => {
    const read = readConfig({ REDIS_URL: urls.join(', '), PARLEY_REDIS_PREFIX: 'staging:' })
    expect(read).toMatchObject({ config: { redisUrls: urls, redisPrefix: 'staging:' } })
  })

  it.each([
    'localhost:6379',
    'http://hunter2@cache.example',
    'redis://',
    'redis://:hunter2@cache.example/mine',
    'redis://:hunter2@cache.example?commandTimeout=0',
    'redis://:hunter#2@cache.example',
    'redis://cache.example#hunter2',
    'redis://a.example,http://b.example',
    'redis://a.example,redis://:hunter2@b.example?commandTimeout=0',
    'redis://a.example/1,redis://b.example/1',
    'redis://a.example,rediss://b.example',
    ',',
  ])('refuses %s as where Redis is, in one line without its password', (url) => {
    const lines = mistakesOf({ REDIS_URL: url })
    expect(lines).toEqual([expect.stringMatching(/^REDIS_URL must /)])
    expect(lines.join()).not.toContain('hunter')
  })

  it('refuses an open Redis in production, but on loopback (input I4)', () => {
    const production = { NODE_ENV: 'production', PARLEY_AUTH_SECRET: SECRET }
    for (const REDIS_URL of [
      'redis://cache',
      'rediss://a@b.example',
      'redis://:word@a.example,redis://b.example',
    ])
      expect([REDIS_URL, mistakesOf({ ...production, REDIS_URL })]).toEqual([
        REDIS_URL,
        [expect.stringMatching(/^REDIS_URL needs a password/)],
      ])
    for (const REDIS_URL of [
      'redis://localhost',
      'redis://[::1]:1',
      'redis://127.0.0.1/2',
      'redis://:word@cache',
    ])
      expect([REDIS_URL, mistakesOf({ ...production, REDIS_URL })]).toEqual([REDIS_URL, []])
    expect(mistakesOf({ REDIS_URL: 'redis://cache' })).toEqual([])
  })

  const sentinels = (list: string, more: Record<string, string> = {}) => ({
    REDIS_SENTINELS: list,
    REDIS_SENTINEL_NAME: 'my-master.1',
    ...more,
  })

  it.each([
    ['127.0.0.1:26379', ['redis://127.0.0.1:26379']],
    ['a.example, b.example:7000', ['redis://a.example:26379', 'redis://b.example:7000']],
    ['[::1],[::1]:7000', ['redis://[::1]:26379', 'redis://[::1]:7000']],
    ['rediss://me:a%23word@a.example', ['rediss://me:a%23word@a.example:26379']],
    ['redis://:word@a.example,redis://:word@b', ['redis://:word@a.example:26379', 'redis://:word@b:26379']],
  ])('reads %s as the Sentinels of a Redis', (list, urls) => {
    const redisSentinels = { urls, masterName: 'my-master.1' }
    expect(readConfig(sentinels(list))).toMatchObject({ config: { redisUrls: ['redis://'], redisSentinels } })
    const REDIS_URL = 'rediss://:word@redis.example/2'
    expect(readConfig(sentinels(list, { REDIS_URL, PARLEY_REDIS_PREFIX: 'mine:' }))).toMatchObject({
      config: { redisUrls: [REDIS_URL], redisSentinels, redisPrefix: 'mine:' },
    })
  })

  it.each([
    ',',
    'http://hunter2@a.example',
    'redis://',
    'a.example:hunter',
    'a.example:99999',
    'a.example;b.example',
    'redis://:hunter2@a.example/1',
    'a.example?hunter',
    'redis://:hunter#2@a.example',
    'redis://:hunter2@a.example,b.example',
    'redis://:hunter2@a.example,redis://:hunter3@b.example',
    'redis://me:hunter2@a.example,redis://you:hunter2@b.example',
    'redis://a.example,rediss://b.example',
  ])('refuses %s as Sentinels, in one line without their password', (list) => {
    const lines = mistakesOf(sentinels(list))
    expect(lines).toEqual([expect.stringMatching(/^REDIS_SENTINELS must /)])
    expect(lines.join()).not.toContain('hunter')
  })

  it.each(['my master', 'é', 'a:b', 'x'.repeat(101)])(
    'refuses %s as what Sentinels call a master',
    (name) => {
      expect(mistakesOf(sentinels('a.example', { REDIS_SENTINEL_NAME: name }))).toEqual([
        expect.stringMatching(/^REDIS_SENTINEL_NAME must /),
      ])
    },
  )

  it('refuses Sentinels without the name of a master, a name without Sentinels, and Sentinels of a cluster', () => {
    expect(mistakesOf({ REDIS_SENTINELS: 'a.example', REDIS_URL: 'redis://a.example' })).toEqual([
      expect.stringMatching(/^REDIS_SENTINELS needs REDIS_SENTINEL_NAME/),
    ])
    expect(mistakesOf({ REDIS_SENTINEL_NAME: 'mine', REDIS_URL: 'redis://a.example' })).toEqual([
      expect.stringMatching(/^REDIS_SENTINEL_NAME needs REDIS_SENTINELS/),
    ])
    expect(mistakesOf(sentinels('a.example', { REDIS_URL: 'redis://a.example,redis://b.example' }))).toEqual([
      expect.stringMatching(/^REDIS_SENTINELS cannot go with several nodes in REDIS_URL/),
    ])
  })

  it('refuses a Redis without a password behind Sentinels in production, but on loopback (input I4)', () => {
    const production = { NODE_ENV: 'production', PARLEY_AUTH_SECRET: SECRET }
    for (const REDIS_URL of ['', 'redis://localhost', 'redis://me@localhost'])
      for (const list of ['a.example', '127.0.0.1,a.example', 'redis://:word@a.example'])
        expect([REDIS_URL, list, mistakesOf(sentinels(list, { ...production, REDIS_URL }))]).toEqual([
          REDIS_URL,
          list,
          [expect.stringMatching(/^REDIS_URL needs a password/)],
        ])
    expect(mistakesOf(sentinels('127.0.0.1,[::1]', production))).toEqual([])
    expect(mistakesOf(sentinels('a.example', { ...production, REDIS_URL: 'redis://:word@any' }))).toEqual([])
  })

  it.each(['{parley}:', 'a b', 'é', 'x'.repeat(101)])('refuses %s as the prefix of keys', (prefix) => {
    const lines = mistakesOf({ REDIS_URL: 'redis://cache', PARLEY_REDIS_PREFIX: prefix })
    expect(lines).toEqual([expect.stringMatching(/^PARLEY_REDIS_PREFIX must /)])
  })

  it('refuses a prefix of keys where there is no Redis', () => {
    expect(mistakesOf({ PARLEY_REDIS_PREFIX: 'mine:' })).toEqual([expect.stringContaining('needs REDIS_URL')])
  })

  it.each(['PARLEY_TTL_SESSION_MS', 'PARLEY_TTL_MESSAGES_MS'])(
    'reads %s, and refuses what is none',
    (name) => {
      const part = name === 'PARLEY_TTL_SESSION_MS' ? 'sessionMs' : 'messagesMs'
      expect(readConfig({ [name]: '1500' })).toMatchObject({ config: { lifetimes: { [part]: 1_500 } } })
      // Below a second an operator could not set it while the server runs either.
      for (const value of ['0', '999', '-1', '1.5', '5m', '86400001'])
        expect(mistakesOf({ [name]: value })).toEqual([
          expect.stringMatching(`^${name} must be a whole number`),
        ])
    },
  )

  it('reads the bounds of the caches, and refuses what is none', () => {
    expect(readConfig({ PARLEY_CACHE_MAX_ENTRIES: '500', PARLEY_CACHE_MAX_MB: '2' })).toMatchObject({
      config: { cacheBounds: { maxEntries: 500, maxBytes: 2_097_152 } },
    })
    for (const name of ['PARLEY_CACHE_MAX_ENTRIES', 'PARLEY_CACHE_MAX_MB'])
      for (const value of ['0', '-1', '1.5', '32M', '99999999'])
        expect(mistakesOf({ [name]: value })).toEqual([
          expect.stringMatching(`^${name} must be a whole number from 1 to `),
        ])
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

  it.each(['MEDIATOR_BASE_URL', 'PARLEY_TTL_VERDICT_MS', 'PARLEY_TTL_THREADS_MS'])(
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
