import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { call, expectOk, type Json } from '../../support/person.js'
import { SOUND_VERDICTS, serverMode } from '../../support/server-mode.js'
import { ServerDidNotStart, startServer } from '../../support/server-process.js'
import { send } from './raw-http.js'
import { RawSocket } from './raw-socket.js'
import { clientId, expectAlive, RoomUnderWatch } from './room-under-watch.js'

const ADMIN_TOKEN = 'operator-6e0f2d8b4c1a4793a5d7b9e1'
const METRICS_TOKEN = 'scraper-1f3e5d7c9b0a48628d6f4e2c'

let target: Instances
let url: string
let room: RoomUnderWatch

beforeAll(async () => {
  target = await startInstances(1, {
    LOG_LEVEL: 'trace',
    PARLEY_ADMIN_TOKEN: ADMIN_TOKEN,
    PARLEY_METRICS_TOKEN: METRICS_TOKEN,
  })
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
})
afterAll(async () => {
  room?.close()
  await target?.stop()
})

/** What a stack, a statement, a table or an adapter would show of itself. */
const TELLTALE =
  /\bat .+:\d+|\.[jt]s\b|node_modules|select |insert |relation|column|_gone|postgres|PortUnavailable|Statement|SQLSTATE|\b42P01\b/i

/** Runs with tables missing that the product cannot do without: every use of them is a bug in its eyes. */
async function withoutTables<T>(work: () => Promise<T>): Promise<T> {
  const tables = ['messages', 'users', 'room_members']
  const rename = async (from: string, to: string) => {
    for (const table of tables) await target.sql.unsafe(`alter table ${table}${from} rename to ${table}${to}`)
  }
  await rename('', '_gone')
  try {
    return await work()
  } finally {
    await rename('_gone', '')
  }
}

describe('an error', () => {
  it('input I2: of the server itself tells neither stack nor SQL, over HTTP and over a socket', async () => {
    const { accessToken: token } = room.owner
    const secret = `unsaid ${randomBytes(8).toString('hex')}`
    const path = `/api/v1/rooms/${room.roomId}`
    const body = () => ({ clientMessageId: clientId(), text: secret })
    const { answers, acks } = await withoutTables(async () => ({
      answers: [
        await send(url, 'POST', `${path}/messages`, { token, body: body() }),
        await send(url, 'GET', `${path}/messages`, { token }),
        await send(url, 'GET', `${path}/search?q=${encodeURIComponent(secret)}`, { token }),
        await send(url, 'GET', '/api/v1/me', { token }),
        await send(url, 'POST', '/api/v1/auth/sign-in', {
          body: { email: 'a@example.org', password: secret },
        }),
      ],
      acks: [
        await room.send(secret),
        await call(room.socket, 'message:list', { roomId: room.roomId }),
        await call(room.socket, 'room:join', { roomId: room.roomId }),
      ],
    }))
    for (const { status, body: problem, text, headers } of answers) {
      expect([status, problem.code]).toEqual([500, 'INTERNAL'])
      expect(Object.keys(problem).sort()).toEqual(['code', 'detail', 'status', 'title', 'type'])
      expect(text).not.toMatch(TELLTALE)
      expect(text).not.toContain(secret)
      expect(JSON.stringify(headers)).not.toMatch(/fastify|express|node\//i)
    }
    for (const ack of acks) {
      expect(ack).toMatchObject({ ok: false, error: { code: 'INTERNAL' } })
      if (!ack.ok) expect(Object.keys(ack.error).sort()).toEqual(['code', 'message'])
      expect(JSON.stringify(ack)).not.toMatch(TELLTALE)
    }
    const output = target.servers[0]?.output() ?? ''
    expect(output).toContain('INTERNAL')
    expect(output).not.toContain(secret)
    await expectOk(room.send('all is well again'))
    await expectAlive(target)
  })

  it('input I2: of a client is told in the same form, and quotes nothing of what was sent', async () => {
    const marker = 'quotedmarker'
    const { accessToken: token } = room.owner
    const requests = [
      send(url, 'GET', `/api/v1/${marker}`, { token }),
      send(url, 'GET', `/${marker}%zz`, { token }),
      send(url, 'TRACE', '/api/v1/me', { token }),
      send(url, 'POST', '/api/v1/rooms', { token, body: `{"name":"${marker}` }),
      send(url, 'POST', '/api/v1/rooms', { token, body: marker, headers: { 'content-type': 'text/plain' } }),
      send(url, 'POST', '/api/v1/auth/sign-in', {
        body: { email: `${marker}@example.org`, password: marker },
      }),
      send(url, 'GET', '/api/v1/me', { token: marker }),
    ]
    for (const { status, text, headers } of await Promise.all(requests)) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(headers['content-type']).toContain('application/problem+json')
      expect(text).not.toMatch(TELLTALE)
      expect(text).not.toContain(marker)
    }
  })

  it('input G8: a storm of them fills no log', async () => {
    const before = target.servers[0]?.output().length ?? 0
    const startedMs = performance.now()
    await withoutTables(async () => {
      for (let round = 0; round < 20; round += 1)
        await Promise.all(Array.from({ length: 25 }, () => room.send('storm')))
    })
    const written = (target.servers[0]?.output() ?? '').slice(before)
    const lines = written.split('\n').filter((line) => line.includes('"level":50')).length
    const minutes = (performance.now() - startedMs) / 60_000
    // 60 at once and 120 a minute; there were 500.
    expect(lines).toBeGreaterThan(0)
    expect(lines).toBeLessThanOrEqual(61 + Math.ceil(120 * minutes))
    await expectAlive(target)
  })
})

describe('a secret', () => {
  it('input I1: of any kind that passed through the server is in no line of its log', async () => {
    const mark = () => `c4nary${randomBytes(6).toString('hex')}`
    const [password, next, text, edited, reason, name, agent, query] = Array.from({ length: 8 }, mark) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    const email = `${mark()}@example.org`
    const body = { email, password, displayName: name }
    const signedUp = await send(url, 'POST', '/api/v1/auth/sign-up', {
      body,
      headers: { 'user-agent': agent },
    })
    const {
      accessToken: token,
      refreshToken,
      user,
    } = signedUp.body as { accessToken: string; refreshToken: string; user: { id: string } }
    const api = (method: string, path: string, content?: Json) =>
      send(url, method, `/api/v1${path}`, { token, ...(content === undefined ? {} : { body: content }) })
    const { room: made } = (await api('POST', '/rooms', { name })).body as { room: { id: string } }
    const { code } = (await api('POST', `/rooms/${made.id}/invitations`, {})).body
    await room.listener.http('POST', `/invitations/${code}/accept`, {})
    const sent = (await api('POST', `/rooms/${made.id}/messages`, { clientMessageId: clientId(), text }))
      .body as { message: { id: string } }
    await api('PATCH', `/messages/${sent.message.id}`, { text: edited })
    await room.listener.http('POST', `/messages/${sent.message.id}/flag`, { reason })
    await api('GET', `/rooms/${made.id}/search?q=${query}`)
    const reset = await send(url, 'POST', `/api/v1/admin/users/${user.id}/password-reset`, {
      token: ADMIN_TOKEN,
      body: {},
    })
    await send(url, 'POST', '/api/v1/auth/sign-in', { body: { email, password: `${password}wrong` } })
    const raw = await RawSocket.signedIn(url, token)
    await raw.call(1, ['message:send', { roomId: made.id, clientMessageId: clientId(), text }])
    raw.send(`42["message:send",{"text":"${text}"`)
    raw.frame({ payload: text, opcode: 2 })
    await raw.untilClosed()
    await withoutTables(() =>
      api('POST', `/rooms/${made.id}/messages`, { clientMessageId: clientId(), text }),
    )
    const refreshed = await send(url, 'POST', '/api/v1/auth/refresh', { body: { refreshToken } })
    await api('POST', '/auth/password', { current: password, next })

    const output = target.servers[0]?.output() ?? ''
    expect(output).toContain('"level"')
    const secrets = {
      password,
      next,
      text,
      edited,
      reason,
      name,
      agent,
      query,
      email,
      token,
      refreshToken,
      code,
      ...refreshed.body,
      reset: reset.body.code,
      admin: ADMIN_TOKEN,
      metrics: METRICS_TOKEN,
      signing: target.variables.PARLEY_AUTH_SECRET,
      database: new URL(target.databaseUrl).password,
    }
    for (const [kind, secret] of Object.entries(secrets)) {
      if (typeof secret !== 'string' || secret === '') continue
      expect([kind, output.includes(secret)]).toEqual([kind, false])
    }
  })
})

describe('what anybody may ask', () => {
  it('input I3: tells whether the server works, and nothing else of it', async () => {
    const [live, ready] = [await send(url, 'GET', '/livez'), await send(url, 'GET', '/readyz')]
    expect([live.status, live.body]).toEqual([200, { status: 'ok' }])
    const { status, checks } = ready.body as { status: string; checks: Record<string, string> }
    expect(SOUND_VERDICTS).toContain(status)
    const { postgres, migrations, ...ports } = checks
    expect([Object.keys(ready.body), postgres, migrations]).toEqual([['status', 'checks'], 'ok', 'ok'])
    const failingOver = ['BusPort', 'CachePort', 'LockPort', 'PresencePort', 'RateLimitPort', 'SessionPort']
    expect(Object.keys(ports).toSorted()).toEqual(serverMode.startsWith('redis') ? failingOver : [])
    for (const state of Object.values(ports)) expect(SOUND_VERDICTS).toContain(state)
    for (const { headers } of [live, ready]) expect(headers).not.toHaveProperty('x-powered-by')
    expect((await send(url, 'GET', '/metrics')).status).toBe(401)
    expect((await send(url, 'GET', '/metrics', { token: `${METRICS_TOKEN}x` })).status).toBe(401)
    expect((await send(url, 'GET', `/metrics?token=${METRICS_TOKEN}`)).status).toBe(401)
    const metrics = await send(url, 'GET', '/metrics', { token: METRICS_TOKEN })
    expect(metrics.status).toBe(200)
    expect(metrics.text).toContain('parley_send_ack_seconds_count')
    expect(metrics.text).not.toMatch(new RegExp(`${room.roomId}|${room.owner.userId}|@example`))
  })

  it('input F5: comes with headers that keep browsers from guessing, framing and keeping it', async () => {
    const { accessToken: token } = room.owner
    const answers = [
      await send(url, 'GET', '/api/v1/me', { token }),
      await send(url, 'GET', '/api/v1/me'),
      await send(url, 'GET', '/api/v1/nowhere'),
      await send(url, 'POST', '/api/v1/rooms', { token, body: '{' }),
      await send(url, 'POST', '/api/v1/rooms', { token, body: 'x'.repeat(70_000) }),
      await send(url, 'GET', '/'),
      await send(url, 'GET', '/docs/'),
    ]
    for (const [index, { headers }] of answers.entries()) {
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:(?!\S)/)
      if (index < 5) expect([index, headers['cache-control']]).toEqual([index, 'no-store'])
    }
  })

  it('input F3: as a page needs nothing that its own policy forbids', async () => {
    const pages = ['/', '/docs', '/docs/']
    let resources = 0
    for (const page of pages) {
      const { text, headers } = await send(url, 'GET', page)
      expect(headers['content-type']).toContain('text/html')
      expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i)
      for (const [, address = ''] of text.matchAll(/<(?:script|link)[^>]*\s(?:src|href)="([^"]+)"/g)) {
        const { pathname, origin } = new URL(address, `${url}${page}`)
        expect(origin).toBe(url)
        const loaded = await send(url, 'GET', pathname)
        expect([pathname, loaded.status]).toEqual([pathname, 200])
        expect(loaded.headers['content-type']).toMatch(/javascript|css|image/)
        resources += 1
      }
    }
    expect(resources).toBeGreaterThan(5)
    for (const [path, version] of [
      ['/docs/openapi.json', /^3\.1\./],
      ['/docs/json', /^3\.1\./],
      ['/docs/asyncapi.json', /^3\./],
    ] as const) {
      const { status, body } = await send(url, 'GET', path)
      expect([path, status]).toEqual([path, 200])
      expect(String(body.openapi ?? body.asyncapi)).toMatch(version)
    }
  })
})

describe('a configuration', () => {
  const secret = () => randomBytes(48).toString('base64url')

  /** The code and the output of a server that refuses to start. */
  async function refusalOf(
    variables: Record<string, string>,
  ): Promise<{ code: number | null; output: string }> {
    try {
      const server = await startServer({ DATABASE_URL: target.databaseUrl, ...variables })
      await server.stop()
    } catch (error) {
      if (error instanceof ServerDidNotStart) return { code: error.exitCode, output: error.output }
      throw error
    }
    throw new Error(`it started with ${JSON.stringify(variables)}`)
  }

  it('input I4: with no secret, a default one, a guessable one or an open Redis is refused at the start, and not repeated', async () => {
    const placeholder = 'change-me-change-me-change-me-change-me'
    const weak = {
      NODE_ENV: 'production',
      PARLEY_AUTH_SECRET: placeholder,
      PARLEY_ADMIN_TOKEN: 'administrator',
      PARLEY_METRICS_TOKEN: 'prometheus',
      PARLEY_ORIGINS: '*',
      REDIS_URL: 'redis://:hunter2@127.0.0.1:6379/mine',
      PARLEY_AUTH_SECERT: secret(),
    }
    const refusals: [Record<string, string>, readonly string[]][] = [
      [{}, ['PARLEY_AUTH_SECRET']],
      [{ NODE_ENV: 'production', DATABASE_URL: '' }, ['PARLEY_AUTH_SECRET']],
      [{ PARLEY_AUTH_SECRET: 'a'.repeat(64) }, ['PARLEY_AUTH_SECRET']],
      [{ NODE_ENV: 'production', PARLEY_AUTH_SECRET: secret(), REDIS_URL: 'redis://cache' }, ['REDIS_URL']],
      [weak, Object.keys(weak).filter((name) => name !== 'NODE_ENV')],
    ]
    for (const [variables, names] of refusals) {
      const { code, output } = await refusalOf(variables)
      expect([variables, code]).toEqual([variables, 2])
      const lines = output.trim().split('\n')
      expect(lines.map((line) => line.split(' ')[0]).toSorted()).toEqual([...names].toSorted())
      for (const value of [...Object.values(weak).slice(1), 'hunter2', 'a'.repeat(64)])
        if (value !== '*') expect(output).not.toContain(value)
    }
  })
})
