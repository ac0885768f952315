import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { RedisCache } from '../../adapters/redis/index.js'
import { everythingWorks } from '../support/every-redis-adapter.js'
import { freePort } from '../support/free-port.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { isAway, operate, redisConnections } from '../support/redis-connections.js'

const LONG_MS = 60_000

describeWithRedis('access to Redis', () => {
  const { connect } = redisConnections()
  let server: RedisServer

  beforeAll(async () => {
    server = await RedisServer.start()
  })

  afterEach(async () => {
    await operate(server.url, 'flushall')
  })

  afterAll(async () => {
    await server?.stop()
  })

  it('is had by a user who may do nothing outside the prefix, with a password of any characters', async () => {
    const [user, password] = ['chat', 'p@ss:w/rd #1']
    await operate(
      server.url,
      'acl',
      'setuser',
      user,
      'reset',
      'on',
      `>${password}`,
      '~mine:*',
      '&mine:*',
      '+@all',
    )
    const url = new URL(server.url)
    url.username = user
    url.password = encodeURIComponent(password)
    await everythingWorks(await connect({ url: url.href, prefix: 'mine:' }))
    const stranger = await connect({ url: url.href, prefix: 'other:' })
    await isAway(stranger)
  })

  it('leaves nothing outside the prefix', async () => {
    await everythingWorks(await connect({ url: server.url, prefix: 'some where:' }))
    const keys = (await operate(server.url, 'keys', '*')) as string[]
    expect(keys.length).toBeGreaterThan(0)
    expect(keys.filter((key) => !key.startsWith('some where:'))).toEqual([])
  })

  it('is kept apart by the prefix', async () => {
    const [ours, theirs] = [
      await connect({ url: server.url, prefix: 'ours:' }),
      await connect({ url: server.url, prefix: 'theirs:' }),
    ]
    await new RedisCache(theirs).put('key', 1, 'theirs', LONG_MS)
    expect(await new RedisCache(ours).get('key', 0)).toBeNull()
    await new RedisCache(ours).drop('')
    expect((await new RedisCache(theirs).get('key', 0))?.value).toBe('theirs')
  })
})

describeWithRedis('Redis over TLS', () => {
  const { connect } = redisConnections()
  let directory: string
  let server: RedisServer
  let sentinel: RedisServer

  const file = (name: string) => join(directory, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-test-tls-'))
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const named = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    openssl(
      'req',
      '-x509',
      ...key,
      '-subj',
      '/CN=a CA',
      '-days',
      '2',
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.crt'),
    )
    openssl(
      'req',
      '-x509',
      ...key,
      '-subj',
      '/CN=localhost',
      '-days',
      '2',
      ...named,
      '-CA',
      file('ca.crt'),
      '-CAkey',
      file('ca.key'),
      '-keyout',
      file('redis.key'),
      '-out',
      file('redis.crt'),
    )
    server = await startWithTls({ requirepass: 'secret' })
    sentinel = await startWithTls(
      {
        requirepass: 'w@rd',
        'tls-replication': 'yes',
        'sentinel monitor mine': `127.0.0.1 ${server.port} 1`,
        'sentinel auth-pass mine': 'secret',
      },
      true,
    )
  })

  async function startWithTls(more: Record<string, string>, isSentinel = false): Promise<RedisServer> {
    const port = await freePort()
    const config = {
      port: '0',
      'tls-port': String(port),
      'tls-cert-file': file('redis.crt'),
      'tls-key-file': file('redis.key'),
      'tls-ca-cert-file': file('ca.crt'),
      'tls-auth-clients': 'no',
      ...more,
    }
    return RedisServer.start({ port, config, isSentinel })
  }

  afterAll(async () => {
    await server?.stop()
    await sentinel?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  it.each(['localhost', '127.0.0.1'])('works at %s with the CA that signed its certificate', async (host) => {
    const ca = readFileSync(file('ca.crt'), 'utf8')
    await everythingWorks(await connect({ url: `rediss://:secret@${host}:${server.port}`, ca }))
  })

  it('is not trusted without that CA', async () => {
    const errors: unknown[] = []
    const url = `rediss://:secret@localhost:${server.port}`
    const redis = await connect({ url, onError: (error) => errors.push(error) })
    await isAway(redis)
    expect(errors.map(String).join()).toMatch(/certificate|self.signed/i)
  })

  it('is found by a Sentinel over TLS, and has to have a certificate for the name that its URL gives', async () => {
    const ca = readFileSync(file('ca.crt'), 'utf8')
    const urls = [`rediss://:w%40rd@localhost:${sentinel.port}`] as const
    const sentinels = { urls, masterName: 'mine' }
    await everythingWorks(await connect({ url: 'rediss://:secret@localhost', sentinels, ca }))
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    await isAway(await connect({ url: 'rediss://:secret@elsewhere.example', sentinels, ca, onError }))
    expect(errors.map(String).join()).toContain('elsewhere.example')
  })
})
