import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { type Instances, startInstances } from '../../support/instances.js'
import { PASSWORD, Person } from '../../support/person.js'
import { ENGINE, PollingSession } from './polling-session.js'
import { type RawAnswer, send } from './raw-http.js'
import { RawSocket } from './raw-socket.js'
import { RoomUnderWatch } from './room-under-watch.js'
import { forge, secretOf, tokenUntil } from './tokens.js'

const UPGRADE = 'EIO=4&transport=websocket'

let target: Instances
let url: string
let room: RoomUnderWatch

beforeAll(async () => {
  target = await startInstances(1, { LOG_LEVEL: 'trace' })
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
})
afterAll(async () => {
  room?.close()
  await target?.stop()
})

/** A person whose refresh token is in a cookie, as browsers have it. */
async function browser(): Promise<{ cookie: string; accessToken: string; email: string }> {
  const person = await Person.signUp(url, 'Bea Browser')
  const body = { email: person.email, password: PASSWORD, transport: 'cookie' }
  const answer = await send(url, 'POST', '/api/v1/auth/sign-in', { body })
  const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';')
  return { cookie, accessToken: String(answer.body.accessToken), email: person.email }
}

describe('a page of another origin', () => {
  const own = () => new URL(url)
  const foreign = (): string[] => [
    'https://evil.example',
    'null',
    '',
    `${own().origin}.evil.example`,
    `http://localhost.evil.example:${own().port}`,
    `https://${own().host}`,
    `http://${own().hostname}:1`,
    `http://${own().hostname}`,
    `http://app.localhost:${own().port}`,
    `${own().origin}/`,
    `${own().origin.toUpperCase()}`,
    `${own().origin}, https://evil.example`,
  ]

  it('input A1 and A3: gets no WebSocket, though the cookies of the person come along', async () => {
    const { cookie } = await browser()
    for (const origin of foreign()) {
      const raw = await RawSocket.open(url, { headers: { Cookie: cookie, Origin: origin } })
      expect([origin, raw.status]).toEqual([origin, 400])
      await raw.untilClosed()
    }
    for (const origin of [own().origin, `http://localhost:${own().port}`, `http://[::1]:${own().port}`]) {
      const raw = await RawSocket.open(url, { headers: { Origin: origin } })
      expect([origin, raw.status]).toEqual([origin, 101])
      raw.destroy()
    }
  })

  it('input A2 and A3: gets no session over polling, neither to read nor to write', async () => {
    const { cookie, accessToken } = await browser()
    for (const origin of foreign()) {
      const opened = await send(url, 'GET', ENGINE, { headers: { cookie, origin } })
      expect([origin, opened.status, opened.text.includes('sid')]).toEqual([origin, 400, false])
      expect(opened.headers['access-control-allow-origin']).toBeUndefined()
    }
    const session = await PollingSession.open(url, { origin: own().origin })
    const packet = `40${JSON.stringify({ token: accessToken })}`
    for (const origin of foreign()) expect((await session.post(packet, { origin })).status, origin).toBe(400)
    expect((await session.post(packet, { origin: own().origin })).status).toBe(200)
  })

  it('input A3: is not allowed to read answers of the API, and is not told so by a wildcard', async () => {
    for (const origin of foreign()) {
      const answer = await send(url, 'OPTIONS', '/api/v1/me', {
        headers: { origin, 'access-control-request-method': 'GET' },
      })
      expect(answer.headers['access-control-allow-origin'], origin).toBeUndefined()
    }
    const { origin } = own()
    const allowed = await send(url, 'OPTIONS', '/api/v1/me', {
      headers: { origin, 'access-control-request-method': 'GET' },
    })
    expect(allowed.headers['access-control-allow-origin']).toBe(origin)
  })
})

describe('a cookie', () => {
  it('input A4: authenticates no route but refresh and sign-out, and no socket', async () => {
    const { cookie } = await browser()
    const headers = { cookie, origin: new URL(url).origin, 'x-parley': '1' }
    const routes = OPERATIONS.filter(({ auth, http }) => auth !== 'none' && http !== undefined)
    for (const { http, auth } of routes) {
      if (http === undefined) continue
      const path = `/api/v1${http.path.replaceAll(/:\w+/g, room.roomId)}`
      const body = http.method === 'GET' || http.method === 'DELETE' ? undefined : {}
      const { status } = await send(url, http.method, path, { headers, body })
      expect([http.method, path, status]).toEqual([http.method, path, auth === 'admin' ? 404 : 401])
    }
    const raw = await RawSocket.open(url, { headers: { Cookie: cookie, Origin: headers.origin } })
    expect(await raw.connect({})).toContain('UNAUTHENTICATED')
    raw.destroy()
  })

  it('input A4: refreshes and signs out from an own page that says so, and from nowhere else', async () => {
    const { cookie } = await browser()
    const origin = new URL(url).origin
    const post = (path: string, headers: Record<string, string>): Promise<RawAnswer> =>
      send(url, 'POST', `/api/v1/auth/${path}`, { headers: { cookie, ...headers }, body: {} })
    for (const path of ['refresh', 'sign-out']) {
      expect((await post(path, {})).status).toBe(401)
      expect((await post(path, { origin })).status).toBe(401)
      expect((await post(path, { 'x-parley': '1' })).status).toBe(401)
      expect((await post(path, { origin: 'https://evil.example', 'x-parley': '1' })).status).toBe(401)
      expect((await post(path, { origin: 'null', 'x-parley': '1' })).status).toBe(401)
    }
    const refreshed = await post('refresh', { origin, 'x-parley': '1' })
    expect([refreshed.status, refreshed.body.refreshToken]).toEqual([200, null])
    const [renewed = ''] = (refreshed.headers['set-cookie']?.[0] ?? '').split(';')
    const out = await post('sign-out', { origin, 'x-parley': '1', cookie: renewed })
    expect(out.status).toBe(204)
    const again = await post('refresh', { origin, 'x-parley': '1', cookie: renewed })
    expect(again.status).toBe(401)
  })

  it('input A4: is not needed where a bearer token comes without an Origin', async () => {
    const answer = await send(url, 'GET', '/api/v1/me', { token: room.owner.accessToken })
    expect(answer.status).toBe(200)
    const raw = await RawSocket.signedIn(url, room.owner.accessToken)
    raw.destroy()
  })
})

describe('a bad token', () => {
  async function badTokens(): Promise<Record<string, unknown>> {
    const { accessToken } = room.owner
    const secret = secretOf(target)
    const ended = await room.owner.signInAgain()
    await ended.http('POST', '/auth/sign-out', {})
    return {
      none: undefined,
      empty: '',
      number: 42,
      object: { token: accessToken },
      list: [accessToken],
      garbage: 'not.a.token',
      expired: await tokenUntil(target, room.owner, Date.now() - 1_000),
      'wrong audience': forge(accessToken, { secret, claims: { aud: 'another' } }),
      'wrong issuer': forge(accessToken, { secret, claims: { iss: 'another' } }),
      'no expiry': forge(accessToken, { secret, claims: { exp: undefined } }),
      'another type': forge(accessToken, { secret, header: { typ: 'JWT' } }),
      'alg none': forge(accessToken, { secret, header: { alg: 'none' }, digest: 'none' }),
      'another algorithm': forge(accessToken, { secret, header: { alg: 'HS512' }, digest: 'sha512' }),
      "another environment's key": forge(accessToken, { secret: randomBytes(48).toString('base64url') }),
      'a refresh token': room.owner.refreshToken,
      'of an ended login': ended.accessToken,
    }
  }

  it('input A5: gets one and the same connect_error, and nothing of a room', async () => {
    const tokens = await badTokens()
    const answers = await room.unharmedBy(async () => {
      const refused = Object.entries(tokens).map(async ([kind, token]) => {
        const raw = await RawSocket.open(url)
        const answer = await raw.connect({ token })
        // Without a namespace there are no events; who sends one is cut, also one who does not answer the end.
        raw.send(`42${JSON.stringify(['room:join', { roomId: room.roomId }])}`)
        await raw.untilClosed(5_000)
        expect(raw.received.filter((text) => text.startsWith('42'))).toEqual([])
        return [kind, answer] as const
      })
      return Object.fromEntries(await Promise.all(refused))
    })
    expect(Object.keys(answers)).toHaveLength(16)
    expect(new Set(Object.values(answers)).size, JSON.stringify(answers)).toBe(1)
    expect(answers.none).toMatch(/^44\{.*"code":"UNAUTHENTICATED"/)
  })

  it('input A5: gets one and the same 401 over HTTP', async () => {
    const texts = new Set<string>()
    for (const [kind, token] of Object.entries(await badTokens())) {
      const authorization =
        kind === 'none'
          ? {}
          : { authorization: `Bearer ${typeof token === 'string' ? token : JSON.stringify(token)}` }
      const answer = await send(url, 'GET', '/api/v1/me', { headers: authorization })
      expect([kind, answer.status]).toEqual([kind, 401])
      texts.add(answer.text)
    }
    for (const scheme of ['Basic', 'Token', 'Bearer  ', '']) {
      const authorization = `${scheme} ${room.owner.accessToken}`
      const answer = await send(url, 'GET', '/api/v1/me', { headers: { authorization } })
      expect([scheme, answer.status]).toEqual([scheme, 401])
      texts.add(answer.text)
    }
    expect(texts.size).toBe(1)
  })

  it('input A6: in a URL opens nothing, and stands in no log', async () => {
    const token = room.owner.accessToken
    for (const name of ['token', 'access_token', 'auth', 'authorization']) {
      const raw = await RawSocket.open(url, { query: `${UPGRADE}&${name}=${token}` })
      expect([name, raw.status]).toEqual([name, 400])
      expect((await send(url, 'GET', `${ENGINE}&${name}=${token}`)).status).toBe(400)
      expect((await send(url, 'GET', `/api/v1/me?${name}=${token}`)).status).toBe(401)
      const beside = await send(url, 'GET', `/api/v1/me?${name}=${token}`, { token })
      expect(beside.status).toBe(400)
    }
    expect(target.servers[0]?.output()).toContain('"level"')
    expect(target.servers[0]?.output()).not.toContain(token)
  })
})
