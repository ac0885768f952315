import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { expectOk, PASSWORD, Person, request, until } from '../../support/person.js'
import { asManyAs, canRunTwo } from '../../support/server-mode.js'
import { startServer } from '../../support/server-process.js'
import { Device, pair, SOON_MS } from './device.js'
import { send } from './raw-http.js'
import { clientId, expectAlive } from './room-under-watch.js'
import { loginIdOf } from './tokens.js'

const ADMIN_TOKEN = 'operator-5c1e07a94f3b42d8b6aa0d71'
const OTHER_PASSWORD = 'another long sentence'

let target: Instances
let first: string
let second: string

beforeAll(async () => {
  target = await startInstances(asManyAs(2), { PARLEY_ADMIN_TOKEN: ADMIN_TOKEN })
  ;[first = '', second = first] = target.urls
})
afterAll(async () => {
  await expectAlive(target)
  await target?.stop()
})

const asAdministrator = (method: string, path: string, body?: unknown) =>
  request(first, method, `/api/v1/admin${path}`, {
    token: ADMIN_TOKEN,
    ...(body === undefined ? {} : { body }),
  })

/** Neither instance takes the login's tokens, for reading, writing, connecting or refreshing. */
async function expectOver(person: Person, roomId: string): Promise<void> {
  const body = { clientMessageId: clientId(), text: 'from beyond' }
  for (const url of [first, second]) {
    const write = await person.http('POST', `/rooms/${roomId}/messages`, body, url)
    expect([url, write.status]).toEqual([url, 401])
    await until(
      'reading is refused',
      async () => (await person.http('GET', '/me', undefined, url)).status === 401,
      SOON_MS,
    )
    await expect(person.connect(url)).rejects.toMatchObject({ data: { code: 'UNAUTHENTICATED' } })
    const refresh = await request(url, 'POST', '/api/v1/auth/refresh', {
      body: { refreshToken: person.refreshToken },
    })
    expect(refresh.status).toBe(401)
  }
  const rows = await target.sql`select 1 from messages where text = 'from beyond'`
  expect(rows).toHaveLength(0)
}

describe('a login that ends', () => {
  it('input B2: by signing out on one instance closes its socket on the other', async () => {
    const { anna, ben, roomId } = await pair(first)
    const device = await Device.of(anna, second, roomId)
    const other = await Device.of(ben, first, roomId)
    expect((await anna.http('POST', '/auth/sign-out', {}, first)).status).toBe(204)
    expect(await device.endedBecause()).toBe('signed-out')
    const told = device.told.length
    await expectOk(other.say(roomId, 'after the end'))
    await expectOver(anna, roomId)
    expect(device.told).toHaveLength(told)
    ben.close()
  })

  it('input B3: because the password changed leaves only the one that changed it', async () => {
    const { anna, roomId } = await pair(first)
    const others = [await anna.signInAgain(), await anna.signInAgain(second)]
    const devices = await Promise.all(
      others.map((person, index) => Device.of(person, [first, second][index] ?? first, roomId)),
    )
    const own = await Device.of(anna, second, roomId)
    const wrong = await anna.http('POST', '/auth/password', {
      current: 'not it at all',
      next: OTHER_PASSWORD,
    })
    expect(wrong.status).toBe(400)
    const changed = await anna.http(
      'POST',
      '/auth/password',
      { current: PASSWORD, next: OTHER_PASSWORD },
      first,
    )
    expect(changed.status).toBe(204)
    for (const device of devices) expect(await device.endedBecause()).toBe('password-changed')
    for (const person of others) await expectOver(person, roomId)
    await expectOk(own.say(roomId))
    const signIn = (password: string) =>
      request(second, 'POST', '/api/v1/auth/sign-in', { body: { email: anna.email, password } })
    expect((await signIn(PASSWORD)).status).toBe(401)
    expect((await signIn(OTHER_PASSWORD)).status).toBe(200)
    anna.close()
  })

  it('input B4: because the account was disabled closes every socket, and REST at once', async () => {
    const { anna, roomId } = await pair(first)
    const again = await anna.signInAgain(second)
    const devices = [await Device.of(anna, first, roomId), await Device.of(again, second, roomId)]
    expect((await asAdministrator('PATCH', `/users/${anna.userId}`, { disabled: true })).status).toBe(204)
    expect((await anna.http('GET', '/me', undefined, first)).status).toBe(401)
    expect((await again.http('GET', '/me', undefined, first)).status).toBe(401)
    for (const device of devices) expect(await device.endedBecause()).toBe('disabled')
    for (const person of [anna, again]) await expectOver(person, roomId)
    await expect(anna.signInAgain()).rejects.toThrow('401')

    await asAdministrator('PATCH', `/users/${anna.userId}`, { disabled: false })
    await expectOver(anna, roomId)
    const back = await anna.signInAgain()
    expect((await back.http('GET', '/me')).status).toBe(200)
  })

  it('input B5: by an administrator leaves all other logins of the user', async () => {
    const { anna, ben, roomId } = await pair(first)
    const again = await anna.signInAgain()
    const [ended, kept, others] = [
      await Device.of(again, second, roomId),
      await Device.of(anna, second, roomId),
      await Device.of(ben, second, roomId),
    ]
    const path = `/sessions/${loginIdOf(again.accessToken)}`
    expect((await asAdministrator('DELETE', path)).status).toBe(204)
    expect(await ended.endedBecause()).toBe('ended')
    await expectOver(again, roomId)
    for (const device of [kept, others]) await expectOk(device.say(roomId))
    expect((await anna.http('GET', '/me', undefined, second)).status).toBe(200)
    expect((await asAdministrator('DELETE', path)).status).toBe(404)
    for (const token of [anna.accessToken, ADMIN_TOKEN.slice(0, -1), `${ADMIN_TOKEN}x`])
      expect((await send(first, 'DELETE', `/api/v1/admin${path}`, { token })).status).toBe(401)
    anna.close()
    ben.close()
  })

  if (canRunTwo)
    it('input B6: is refused by an instance that starts afterwards, from the tables alone', async () => {
      const { anna } = await pair(first)
      await anna.http('POST', '/auth/sign-out', {})
      const late = await startServer({ ...target.variables })
      try {
        const answer = await send(late.url, 'GET', '/api/v1/me', { token: anna.accessToken })
        expect(answer.status).toBe(401)
        await expect(anna.connect(late.url)).rejects.toMatchObject({ data: { code: 'UNAUTHENTICATED' } })
      } finally {
        await late.stop()
      }
    })

  it('input B11: while 100 sends are in flight accepts none of them after the end was acked', async () => {
    const { anna, ben, roomId } = await pair(first)
    const devices = await Promise.all(
      Array.from({ length: 10 }, (_, index) => Device.of(anna, [first, second][index % 2] ?? '', roomId)),
    )
    let accepted = 0
    let refused = 0
    // Each sends one after the other, until it is told that its login is over or loses its socket.
    const keepSending = async (device: Device) => {
      for (;;) {
        const ack = await device.say(roomId, 'in flight').catch(() => null)
        if (ack?.ok !== true) {
          if (ack !== null) expect(ack.error.code).toBe('UNAUTHENTICATED')
          refused += 1
          return
        }
        accepted += 1
      }
    }
    const sending = Array.from({ length: 100 }, (_, index) => keepSending(devices[index % 10] as Device))
    await until('they are in flight', () => accepted > 200)
    expect((await anna.http('POST', '/auth/sign-out', {}, first)).status).toBe(204)
    const stored = async () =>
      Number((await target.sql`select head from rooms where id = ${roomId}`)[0]?.head)
    const atTheAck = await stored()
    await Promise.all(sending)
    expect(refused).toBe(100)
    for (const device of devices) expect(await device.endedBecause()).toBe('signed-out')
    expect(await stored()).toBe(atTheAck)
    const [count] = await target.sql`select count(*)::int as n from messages where room_id = ${roomId}`
    // What was acked is there; beyond it at most what was committed and then lost its socket.
    expect(count?.n).toBeGreaterThanOrEqual(accepted)
    expect(count?.n).toBeLessThanOrEqual(accepted + 100)
    ben.close()
  })
})

describe('a refresh token', () => {
  const refresh = async (url: string, refreshToken: string) => {
    const answer = await request(url, 'POST', '/api/v1/auth/refresh', { body: { refreshToken } })
    return {
      status: answer.status,
      token: String(answer.body.refreshToken),
      access: String(answer.body.accessToken),
    }
  }

  it('input B9: that comes again after its successor was used ends the whole family, on every instance', async () => {
    const { anna, ben, roomId } = await pair(first)
    const unrelated = await anna.signInAgain()
    const device = await Device.of(anna, second, roomId)
    const one = await refresh(first, anna.refreshToken)
    const two = await refresh(second, one.token)
    expect([one.status, two.status]).toEqual([200, 200])
    expect((await refresh(second, anna.refreshToken)).status).toBe(401)
    expect((await refresh(first, two.token)).status).toBe(401)
    expect(await device.endedBecause()).toBe('ended')
    for (const token of [anna.accessToken, one.access, two.access])
      for (const url of [first, second])
        await until(
          'the family is over',
          async () => (await send(url, 'GET', '/api/v1/me', { token })).status === 401,
          SOON_MS,
        )
    expect((await refresh(first, unrelated.refreshToken)).status).toBe(200)
    ben.close()
  })

  it('input B9: that comes again because the answer was lost works, and logs out neither of two tabs that each hold a successor', async () => {
    const { anna } = await pair(first)
    const [one, retried] = [await refresh(first, anna.refreshToken), await refresh(second, anna.refreshToken)]
    expect([one.status, retried.status]).toEqual([200, 200])
    expect((await refresh(first, retried.token)).status).toBe(200)
    expect((await refresh(second, one.token)).status).toBe(200)
  })

  it('input B8: and the login that it is of are new with each sign-in, whatever the client held before', async () => {
    const { anna } = await pair(first)
    const planted = await Person.signUp(first, 'Mallory')
    const body = { email: anna.email, password: PASSWORD, transport: 'cookie' }
    const headers = {
      cookie: `parley=${planted.refreshToken}; __Host-parley=${planted.refreshToken}`,
      authorization: `Bearer ${planted.accessToken}`,
    }
    const seen = new Set([loginIdOf(anna.accessToken), loginIdOf(planted.accessToken)])
    for (let round = 0; round < 3; round += 1) {
      const answer = await send(first, 'POST', '/api/v1/auth/sign-in', { headers, body })
      const [cookie = ''] = (answer.headers['set-cookie']?.[0] ?? '').split(';')
      expect(cookie).toMatch(/^parley=[A-Za-z0-9_-]{43}$/)
      expect(cookie).not.toContain(planted.refreshToken)
      seen.add(loginIdOf(String(answer.body.accessToken)))
    }
    expect(seen.size).toBe(5)
    const sessions = await planted.http('GET', '/auth/sessions')
    expect((sessions.body.sessions as unknown[]).length).toBe(1)
  })
})

describe('the cookie of a browser', () => {
  it('input B12: is kept from scripts, other sites and plain HTTP, and holds 256 random bits', async () => {
    const https = await startInstances(1, { PARLEY_PUBLIC_URL: 'https://chat.example.org' })
    try {
      const [url = ''] = https.urls
      const anna = await Person.signUp(url, 'Anna')
      const body = { email: anna.email, password: PASSWORD, transport: 'cookie' }
      const values = new Set<string>()
      for (let round = 0; round < 3; round += 1) {
        const answer = await send(url, 'POST', '/api/v1/auth/sign-in', { body })
        const [cookie = '', ...attributes] = (answer.headers['set-cookie']?.[0] ?? '').split('; ')
        expect(answer.body.refreshToken).toBeNull()
        expect(cookie).toMatch(/^__Host-parley=[A-Za-z0-9_-]{43}$/)
        expect(attributes).toEqual(
          expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict']),
        )
        expect(attributes.join()).not.toMatch(/domain/i)
        values.add(cookie)
      }
      expect(values.size).toBe(3)
    } finally {
      await https.stop()
    }
  })
})
