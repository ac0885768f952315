import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RefreshingServer } from '../../tests/support/refreshing-server.js'
import { environmentOf } from './environment.js'
import { ParleyError } from './errors.js'
import type { Http, HttpCall } from './http.js'
import { LoginKeeper } from './login-keeper.js'
import { type ClientStorage, memoryStorage } from './storage.js'
import { StoredLogin } from './stored-login.js'
import type { SignedIn } from './wire.js'

const LIFE_S = 900
const credentials = { email: 'ann@example.org', password: 'a long and quiet sentence' }

let server: RefreshingServer
let storage: ClientStorage
let clockMs: number
const keepers: LoginKeeper[] = []

function openTab(
  send: (call: HttpCall) => Promise<SignedIn> = server.send,
  transport: 'token' | 'cookie' = 'token',
): LoginKeeper {
  const keeper = new LoginKeeper({
    http: { send } as unknown as Http,
    stored: new StoredLogin(storage),
    environment: environmentOf({ nowMs: () => clockMs, random: () => 0.5 }),
    transport,
  })
  keepers.push(keeper)
  return keeper
}

async function signedIn(): Promise<LoginKeeper> {
  const keeper = openTab()
  await keeper.open('/auth/sign-in', credentials)
  return keeper
}

const refreshes = (): number => server.calls.filter(({ path }) => path === '/auth/refresh').length
const passS = (seconds: number): void => {
  clockMs += seconds * 1_000
}

beforeEach(() => {
  server = new RefreshingServer(() => clockMs)
  storage = memoryStorage()
  clockMs = Date.parse('2026-01-01T00:00:00Z')
})
afterEach(() => {
  for (const keeper of keepers.splice(0)) keeper.close()
  vi.useRealTimers()
})

describe('LoginKeeper', () => {
  it('uses a token until shortly before its end, and then renews it once for all who ask', async () => {
    const keeper = await signedIn()
    expect(await keeper.accessToken()).toBe('access-1')
    passS(LIFE_S - 20)
    const asked = await Promise.all([keeper.accessToken(), keeper.accessToken(), keeper.accessToken()])
    expect(asked).toEqual(['access-2', 'access-2', 'access-2'])
    expect(refreshes()).toBe(1)
  })

  it('wants to be asked for a new one with a part of its life left', async () => {
    const keeper = await signedIn()
    expect(keeper.renewInMs()).toBe(LIFE_S * 800)
    passS(LIFE_S)
    expect(keeper.renewInMs()).toBe(0)
  })

  it('takes up the login that another page left', async () => {
    await signedIn()
    const next = openTab()
    expect((await next.resume())?.displayName).toBe('Ann')
    expect(await next.accessToken()).toBe('access-1')
    expect(next.session.getSnapshot().status).toBe('signed-in')
  })

  it('survives an answer that was lost: presents the same token again', async () => {
    const keeper = await signedIn()
    passS(LIFE_S)
    let lost = 2
    server.beforeAnswer = async () => {
      lost -= 1
      if (lost >= 0) throw new ParleyError('DISCONNECTED', 'gone', { uncertain: true })
    }
    await expect(keeper.accessToken()).rejects.toMatchObject({ code: 'DISCONNECTED' })
    await expect(keeper.accessToken()).rejects.toMatchObject({ code: 'DISCONNECTED' })
    expect(await keeper.accessToken()).toBe('access-4')
    passS(LIFE_S)
    expect(await keeper.accessToken()).toBe('access-5')
    expect(keeper.session.getSnapshot().status).toBe('signed-in')
  })

  it.each(['DISCONNECTED', 'TIMEOUT', 'UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL', 'FORBIDDEN'] as const)(
    'takes %s for no end of the login',
    async (code) => {
      const keeper = await signedIn()
      passS(LIFE_S)
      server.beforeAnswer = () => Promise.reject(new ParleyError(code, 'no'))
      await expect(keeper.accessToken()).rejects.toMatchObject({ code })
      expect(keeper.session.getSnapshot().status).toBe('signed-in')
      expect(await openTab().resume()).not.toBeNull()
    },
  )

  it('ends, here and in the storage, with UNAUTHENTICATED to a renewal', async () => {
    const keeper = await signedIn()
    passS(LIFE_S)
    server.beforeAnswer = () => Promise.reject(new ParleyError('UNAUTHENTICATED', 'no'))
    await expect(keeper.accessToken()).rejects.toMatchObject({ code: 'SIGNED_OUT' })
    expect(keeper.session.getSnapshot()).toEqual({ status: 'signed-out', user: null, reason: 'ended' })
    expect(await openTab().resume()).toBeNull()
  })

  it('renews a token that the server did not take, whatever the clock says', async () => {
    const keeper = await signedIn()
    expect(await keeper.accessToken('access-1')).toBe('access-2')
    clockMs -= 86_400_000
    // Set back by a day: the token would seem to last for a day and more.
    expect(await keeper.accessToken()).toBe('access-3')
  })
})

describe('LoginKeeper in several tabs', () => {
  it('logs nobody out when both renew at once, round after round', async () => {
    const one = await signedIn()
    const two = openTab()
    await two.resume()
    for (let round = 0; round < 5; round += 1) {
      passS(LIFE_S)
      await Promise.all([one.accessToken(), two.accessToken()])
    }
    for (const tab of [one, two]) expect(tab.session.getSnapshot().status).toBe('signed-in')
  })

  it('takes the tokens that the other tab got meanwhile, instead of asking', async () => {
    const one = await signedIn()
    const two = openTab()
    await two.resume()
    passS(LIFE_S)
    const token = await one.accessToken()
    expect(await two.accessToken()).toBe(token)
    expect(refreshes()).toBe(1)
  })

  it('tries the token that the other tab has stored before it believes that the login is over', async () => {
    const one = await signedIn()
    passS(LIFE_S)
    // The other tab renews twice between this one's look at the storage and the server's.
    const two = openTab()
    await two.resume()
    const slow = openTab(async (call) => {
      if (refreshes() === 0) {
        await two.accessToken()
        passS(LIFE_S)
        await two.accessToken()
        passS(LIFE_S)
      }
      return server.send(call)
    })
    await slow.resume()
    expect(await slow.accessToken()).toMatch(/^access-/)
    expect(slow.session.getSnapshot().status).toBe('signed-in')
    expect(one.session.getSnapshot().status).toBe('signed-in')
  })

  it('ends in all tabs when one signs out', async () => {
    const one = await signedIn()
    const two = openTab()
    await two.resume()
    await one.signOut()
    await vi.waitFor(() => expect(two.session.getSnapshot()).toMatchObject({ reason: 'signed-out' }))
    await expect(two.accessToken()).rejects.toMatchObject({ code: 'SIGNED_OUT' })
  })

  it('gives way to another login in the same storage, and does not write over it', async () => {
    const anns = await signedIn()
    passS(LIFE_S)
    let answered: () => void = () => undefined
    server.beforeAnswer = () =>
      new Promise<void>((resolve) => {
        answered = resolve
      })
    const renewal = anns.accessToken().catch((error: ParleyError) => error.code)
    await vi.waitFor(() => expect(refreshes()).toBe(1))
    const finishAnns = answered
    server.beforeAnswer = async () => undefined
    const bens = openTab()
    await bens.open('/auth/sign-in', { email: 'ben@example.org', password: 'x' })
    finishAnns()
    expect(await renewal).toBe('SIGNED_OUT')
    expect(anns.session.getSnapshot()).toMatchObject({ status: 'signed-out', reason: 'replaced' })
    const next = openTab()
    await next.resume()
    expect(await next.accessToken()).toBe(await bens.accessToken())
  })

  it('keeps a login that cannot be stored for as long as the page is there', async () => {
    storage.set = () => Promise.reject(new Error('full'))
    const keeper = await signedIn()
    passS(LIFE_S)
    expect(await keeper.accessToken()).toBe('access-2')
    expect(keeper.session.getSnapshot().status).toBe('signed-in')
  })

  it('renews by the newest token it has, where that one could not be stored', async () => {
    const keeper = await signedIn()
    const { set } = storage
    storage.set = () => Promise.reject(new Error('full'))
    for (const token of ['access-2', 'access-3', 'access-4']) {
      passS(LIFE_S)
      expect(await keeper.accessToken()).toBe(token)
    }
    storage.set = set
    passS(LIFE_S)
    expect(await keeper.accessToken()).toBe('access-5')
    const next = openTab()
    await next.resume()
    expect(await next.accessToken()).toBe('access-5')
    expect(keeper.session.getSnapshot().status).toBe('signed-in')
  })

  it('stores a renewed login as soon as that is possible, before another tab renews by the old one', async () => {
    vi.useFakeTimers()
    const keeper = await signedIn()
    passS(LIFE_S)
    const { get, set } = storage
    storage.set = () => Promise.reject(new Error('full'))
    expect(await keeper.accessToken()).toBe('access-2')
    await vi.advanceTimersByTimeAsync(5_000)
    storage.set = set
    storage.get = () => Promise.reject(new Error('busy'))
    await vi.advanceTimersByTimeAsync(5_000)
    storage.get = get
    await vi.advanceTimersByTimeAsync(31_000)
    const next = openTab()
    await next.resume()
    expect(await next.accessToken()).toBe('access-2')
    expect(vi.getTimerCount()).toBe(0)
    expect(refreshes()).toBe(1)
  })

  it('takes the token that another tab has stored, even where the clock was set back in between', async () => {
    const one = await signedIn()
    const two = openTab()
    await two.resume()
    passS(LIFE_S)
    await one.accessToken()
    await vi.waitFor(async () => expect(await two.accessToken()).toBe('access-2'))
    passS(-86_400)
    expect(await one.accessToken()).toBe('access-3')
    expect(await two.accessToken()).toBe('access-3')
    expect(refreshes()).toBe(2)
  })

  it('shares a login with a tab of an earlier version, which counts no renewals', async () => {
    const keeper = await signedIn()
    const [key = ''] = await storage.keys('parley:login')
    const forgetCount = async (): Promise<void> => {
      const { renewals, ...login } = JSON.parse((await storage.get(key)) ?? '{}')
      expect(renewals).toBeTypeOf('number')
      await storage.set(key, JSON.stringify(login))
    }
    for (const round of [1, 2, 3]) {
      await forgetCount()
      passS(LIFE_S)
      // The earlier one renews, and stores what it got as it does.
      const earlier = openTab()
      await earlier.resume()
      const token = await earlier.accessToken()
      await forgetCount()
      expect(await keeper.accessToken()).toBe(token)
      passS(LIFE_S)
      expect(await keeper.accessToken()).toBe(`access-${1 + 2 * round}`)
    }
  })

  it('keeps its own access token where a cookie holds the other one, whoever else renews', async () => {
    let issued = 0
    const send = async (): Promise<SignedIn> => {
      issued += 1
      const answer = await server.send({ method: 'POST', path: '/auth/sign-in', withinMs: 1_000 })
      return { ...answer, refreshToken: null }
    }
    const [one, two] = [openTab(send, 'cookie'), openTab(send, 'cookie')]
    await one.open('/auth/sign-in', credentials)
    await two.resume()
    for (let round = 0; round < 3; round += 1) {
      const tokens = [await one.accessToken(), await two.accessToken()]
      await new Promise((resolve) => setTimeout(resolve))
      expect([await one.accessToken(), await two.accessToken()]).toEqual(tokens)
      passS(LIFE_S)
    }
    expect(issued).toBe(6)
  })
})
