import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { PASSWORD, Person, until } from '../../support/person.js'
import { metric } from './measures.js'
import { ENGINE, PollingSession } from './polling-session.js'
import { send } from './raw-http.js'
import { RawSocket } from './raw-socket.js'
import { clientId, expectAlive, RoomUnderWatch } from './room-under-watch.js'

const UPGRADE = 'EIO=4&transport=websocket'

let target: Instances
let url: string
let room: RoomUnderWatch

beforeAll(async () => {
  target = await startInstances(1)
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
})
afterAll(async () => {
  room?.close()
  await target?.stop()
})

describe('the transport', () => {
  it('input A8: refuses 10,000 random namespaces and keeps nothing of them', async () => {
    const round = async () => {
      const raw = await RawSocket.open(url)
      for (let index = 0; index < 10_000; index += 1)
        raw.send(`40/${randomBytes(12).toString('hex')},{"token":"${index}"}`)
      await until('all are answered', () => raw.received.length >= 10_001 || raw.closed, 20_000)
      expect(raw.received.slice(1).every((text) => text.includes('"Invalid namespace"'))).toBe(true)
      expect(raw.received).toHaveLength(10_001)
      raw.destroy()
    }
    await round()
    const before = await metric(url, 'process_resident_memory_bytes')
    await round()
    const grown = (await metric(url, 'process_resident_memory_bytes')) - before
    expect(grown / 1_048_576).toBeLessThan(50)
    await expectAlive(target)
  })

  it('input A9: refuses clients of the protocol before this one', async () => {
    for (const protocol of ['EIO=3&', 'EIO=2&', 'EIO=5&', '']) {
      const polled = await send(url, 'GET', `/socket.io/?${protocol}transport=polling`)
      expect([protocol, polled.status, polled.text.includes('sid')]).toEqual([protocol, 400, false])
      const raw = await RawSocket.open(url, { query: `${protocol}transport=websocket` })
      await raw.untilClosed()
      expect(raw.received).toEqual([])
    }
    await expectAlive(target)
  })

  it('input A10: takes the id of a polling session from nobody but who opened it', async () => {
    const victim = await PollingSession.open(url, { 'user-agent': 'victim' })
    await victim.post(`40${JSON.stringify({ token: room.owner.accessToken })}`)
    expect((await victim.poll()).text).toContain('40{"sid"')
    const thieves: { headers: Record<string, string>; from?: string }[] = [
      { headers: { 'user-agent': 'victim' } },
      { headers: { 'user-agent': 'thief' } },
      { headers: { 'user-agent': 'victim' }, from: '127.0.0.77' },
      { headers: { 'user-agent': 'victim', cookie: `parley-link=${randomBytes(24).toString('base64url')}` } },
    ]
    await room.unharmedBy(async () => {
      for (const { headers, from } of thieves) {
        const stolen = { headers, ...(from === undefined ? {} : { from }) }
        const read = await send(url, 'GET', `${ENGINE}&sid=${victim.sid}`, stolen)
        expect([headers, read.status]).toEqual([headers, 400])
        const packet = `42${JSON.stringify(['message:send', stolenMessage()])}`
        const written = await send(url, 'POST', `${ENGINE}&sid=${victim.sid}`, {
          ...stolen,
          headers: { ...headers, 'content-type': 'text/plain' },
          body: packet,
        })
        expect([headers, written.status]).toEqual([headers, 400])
        const raw = await RawSocket.open(url, { query: `${UPGRADE}&sid=${victim.sid}`, headers })
        expect([headers, raw.status]).toEqual([headers, 400])
      }
    })
    expect((await victim.post(`42${JSON.stringify(['room:leave', { roomId: room.roomId }])}`)).status).toBe(
      200,
    )
  })

  it('input A11: hands out no id to recover a session by, and takes none', async () => {
    const gone = await room.owner.signInAgain()
    const raw = await RawSocket.open(url)
    const welcome = await raw.connect({ token: gone.accessToken })
    expect(Object.keys(JSON.parse(welcome.slice(2)) as object)).toEqual(['sid'])
    const { sid } = JSON.parse(welcome.slice(2)) as { sid: string }
    await gone.http('POST', '/auth/sign-out', {})
    await raw.untilClosed()
    for (const recovery of [
      { pid: sid, offset: '0' },
      { pid: sid, offset: '0', token: gone.accessToken },
    ]) {
      const again = await RawSocket.open(url)
      expect(await again.connect(recovery)).toContain('UNAUTHENTICATED')
      again.destroy()
    }
  })

  const stolenMessage = () => ({ roomId: room.roomId, clientMessageId: clientId(), text: 'stolen' })
})

describe('X-Forwarded headers of a peer that is no proxy of ours', () => {
  const forged = (index: number) => ({
    'x-forwarded-for': `203.0.113.${index}`,
    'x-real-ip': `203.0.113.${index}`,
    forwarded: `for=203.0.113.${index};proto=https;host=evil.example`,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
  })
  /** Wrong codes for a new address each, so that only the limit of the IP is met. */
  const resets = async (server: string, from: string): Promise<number[]> => {
    const statuses: number[] = []
    for (let index = 0; index < 14; index += 1) {
      const body = { email: `nobody${from}${index}@example.org`, code: 'wrong', next: 'quiet sentence' }
      const answer = await send(server, 'POST', '/api/v1/auth/password-reset', {
        body,
        from,
        headers: forged(index),
      })
      statuses.push(answer.status)
    }
    return statuses
  }

  it('input A16: change nothing about limits, cookies, origins and logs', async () => {
    const strict = await startInstances(1, { PARLEY_LIMIT_FACTOR: '1', LOG_LEVEL: 'trace' })
    const trusting = await startInstances(1, { PARLEY_LIMIT_FACTOR: '1', PARLEY_TRUSTED_PROXIES: 'loopback' })
    try {
      const [direct = '', proxied = ''] = [strict.urls[0], trusting.urls[0]]
      // The same forgeries lift the limit where the peer is trusted: the test would see it.
      expect(await resets(proxied, '127.0.0.21')).not.toContain(429)
      const statuses = await resets(direct, '127.0.0.21')
      expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401))
      expect(statuses.slice(-2)).toEqual([429, 429])
      expect(strict.servers[0]?.output()).not.toMatch(/203\.0\.113|evil\.example/)

      const { email } = await Person.signUp(direct, 'Fay Forwarded')
      const body = { email, password: PASSWORD, transport: 'cookie' }
      const cookieOf = async (server: string, options: object) =>
        (await send(server, 'POST', '/api/v1/auth/sign-in', options)).headers['set-cookie']?.[0] ?? ''
      const plain = await cookieOf(direct, { body, headers: forged(99) })
      expect(plain).toMatch(/^parley=/)
      expect(plain).not.toMatch(/secure/i)

      const headers = { ...forged(99), origin: 'https://evil.example' }
      const raw = await RawSocket.open(direct, { headers: { ...forged(99), Origin: headers.origin } })
      expect(raw.status).toBe(400)
      expect((await send(direct, 'GET', ENGINE, { headers })).status).toBe(400)
      expect((await send(direct, 'GET', '/metrics', { headers: forged(99) })).status).toBe(401)
      await expectAlive(strict)
    } finally {
      await Promise.all([strict.stop(), trusting.stop()])
    }
  })
})

describe('a connection that never signs in', () => {
  it('input A7: counts to the connections of its address, and is closed within 10 s', async () => {
    // A hundredth of the limits: ten connections an address.
    const small = await startInstances(1, { PARLEY_LIMIT_FACTOR: '0.01' })
    try {
      const [server = ''] = small.urls
      const from = '127.0.0.31'
      const startedMs = performance.now()
      const sockets = await Promise.all(Array.from({ length: 9 }, () => RawSocket.open(server, { from })))
      expect(sockets.map(({ status }) => status)).toEqual(sockets.map(() => 101))
      const polled = await send(server, 'GET', ENGINE, { from })
      expect(polled.status).toBe(200)
      const opens = async () => (await send(server, 'GET', ENGINE, { from })).status
      expect(await opens()).toBe(400)
      expect((await RawSocket.open(server, { from })).status).toBe(400)
      const elsewhere = await RawSocket.open(server, { from: '127.0.0.32' })
      expect(elsewhere.status).toBe(101)

      // One that talks without signing in is no better than one that is silent.
      await Promise.all(sockets.map((socket) => socket.untilClosed(10_500 - (performance.now() - startedMs))))
      // The polling one was opened last, and so may be closed a little after them.
      for (let place = 0; place < 10; place += 1)
        await until(`place ${place} is free`, async () => (await opens()) === 200, 2_000)
      expect(performance.now() - startedMs).toBeLessThan(11_000)
      elsewhere.destroy()
      await expectAlive(small)
    } finally {
      await small.stop()
    }
  })
})
