import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { call, expectOk, Person, request } from '../../support/person.js'
import { asManyAs } from '../../support/server-mode.js'
import { Device, pair, SOON_MS } from './device.js'
import { send } from './raw-http.js'
import { expectAlive } from './room-under-watch.js'
import { tokenUntil } from './tokens.js'

let target: Instances
let first: string
let second: string

beforeAll(async () => {
  target = await startInstances(asManyAs(2))
  ;[first = '', second = first] = target.urls
})
afterAll(async () => {
  await expectAlive(target)
  await target?.stop()
})

describe.concurrent('a token that expires on an open socket', () => {
  it('input B1: lets no event in or out later than 5 s after its end', async () => {
    const { anna, ben, roomId } = await pair(first)
    const expiresAtMs = Math.ceil(Date.now() / 1_000) * 1_000 + 2_000
    const endMs = performance.now() + (expiresAtMs - Date.now())
    const token = await tokenUntil(target, anna, expiresAtMs)
    const device = await Device.of(anna, second, roomId, token)
    const other = await Device.of(ben, first, roomId)
    const accepted: number[] = []
    while (device.socket.connected && performance.now() < endMs + 9_000) {
      await expectOk(other.say(roomId, 'go on'))
      const ack = await device.say(roomId).catch(() => null)
      if (ack?.ok) accepted.push(performance.now())
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(await device.endedBecause()).toBe('expired')
    expect(accepted.length).toBeGreaterThan(0)
    const heard = device.told.map(({ atMs }) => atMs)
    expect(Math.max(...accepted, ...heard, device.endedAtMs)).toBeLessThan(endMs + 6_000)
    expect(device.endedAtMs).toBeGreaterThan(endMs)

    expect((await send(first, 'GET', '/api/v1/me', { token })).status).toBe(401)
    await expect(anna.connect(second, { auth: { token } })).rejects.toMatchObject({
      data: { code: 'UNAUTHENTICATED' },
    })
    // The login itself goes on.
    expect((await anna.http('GET', '/me')).status).toBe(200)
    ben.close()
  })

  it('input B1: is renewed by a newer one of the same login, and by no other', async () => {
    const { anna, ben, roomId } = await pair(first)
    const again = await anna.signInAgain()
    const expiresAtMs = Math.ceil(Date.now() / 1_000) * 1_000 + 2_000
    const short = await tokenUntil(target, anna, expiresAtMs)
    const [renewed, kept] = [
      await Device.of(anna, second, roomId, short),
      await Device.of(anna, second, roomId, short),
    ]
    const expired = await tokenUntil(target, anna, Date.now() - 1_000)
    for (const token of [again.accessToken, ben.accessToken, anna.refreshToken, expired, 'x'])
      expect(await call(kept.socket, 'auth:renew', { token })).toMatchObject({
        ok: false,
        error: { code: 'UNAUTHENTICATED' },
      })
    await expectOk(call(renewed.socket, 'auth:renew', { token: anna.accessToken }))
    expect(await kept.endedBecause(expiresAtMs - Date.now() + 6_000 + SOON_MS)).toBe('expired')
    expect(renewed.socket.connected).toBe(true)
    await expectOk(renewed.say(roomId))
    anna.close()
  })
})

describe.concurrent('a login at the end of its absolute lifetime', () => {
  it('input B10: refreshes no more, and its busy socket is closed', async () => {
    const lifeMs = 0.0001 * 86_400_000
    const short = await startInstances(1, { PARLEY_SESSION_MAX_DAYS: '0.0001' })
    try {
      const [url = ''] = short.urls
      const startedMs = performance.now()
      const anna = await Person.signUp(url, 'Anna')
      const roomId = await anna.createRoom()
      const device = await Device.of(anna, url, roomId)
      let { refreshToken } = anna
      let refreshedMs = 0
      let acceptedMs = 0
      while (device.socket.connected && performance.now() - startedMs < lifeMs + 9_000) {
        const answer = await request(url, 'POST', '/api/v1/auth/refresh', { body: { refreshToken } })
        if (answer.status === 200) {
          refreshedMs = performance.now() - startedMs
          refreshToken = String(answer.body.refreshToken)
          expect(Number(answer.body.expiresInS) * 1_000).toBeLessThanOrEqual(lifeMs)
          // Whatever it is renewed with ends with the login.
          await call(device.socket, 'auth:renew', { token: answer.body.accessToken }).catch(() => null)
        }
        const ack = await device.say(roomId).catch(() => null)
        if (ack?.ok === true) acceptedMs = performance.now() - startedMs
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
      expect(await device.endedBecause()).toBe('expired')
      expect(refreshedMs).toBeGreaterThan(0)
      expect(refreshedMs).toBeLessThan(lifeMs + 1_000)
      expect(acceptedMs).toBeLessThan(lifeMs + 6_000)
      expect(device.endedAtMs - startedMs).toBeLessThan(lifeMs + 6_000)
      const again = await request(url, 'POST', '/api/v1/auth/refresh', { body: { refreshToken } })
      expect(again.status).toBe(401)
      await expectAlive(short)
    } finally {
      await short.stop()
    }
  })
})
