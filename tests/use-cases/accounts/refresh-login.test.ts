import { describe, expect, it } from 'vitest'
import type { SignedIn } from '../../../core/use-cases/accounts/signed-in.js'
import {
  actorOf,
  admits,
  codeOf,
  refresh,
  refusalOf,
  type System,
  signIn,
  signUp,
  start,
  startDeployment,
  unwrap,
} from './system.js'

const DAY_MS = 86_400_000

const refreshed = async (system: Pick<System, 'parley'>, { refreshToken }: SignedIn): Promise<SignedIn> =>
  unwrap(await refresh(system, refreshToken))

const openLogins = async ({ parley }: System, signedIn: SignedIn): Promise<readonly string[]> =>
  unwrap(await parley.listLogins.execute(actorOf(signedIn))).logins.map(({ id }) => id)

describe('RefreshLogin', () => {
  it('gives a new pair of tokens for the same login, again and again', async () => {
    const system = start()
    const first = await signUp(system)
    let last = first
    for (let round = 0; round < 5; round += 1) {
      system.clock.pass(15 * 60_000)
      expect(await admits(system, last)).toBe(false)
      const next = await refreshed(system, last)
      expect(next).toMatchObject({ user: first.user, loginId: first.loginId, expiresInS: 900 })
      expect(next.refreshExpiresAtMs).toBe(first.refreshExpiresAtMs)
      expect(await admits(system, next)).toBe(true)
      last = next
    }
  })

  it('ends the login when a spent token comes again and its successor was used (input B9)', async () => {
    const system = start()
    const stolen = await signUp(system)
    const elsewhere = await signIn(system)
    const next = await refreshed(system, stolen)
    const last = await refreshed(system, next)
    expect(codeOf(await refresh(system, stolen.refreshToken))).toBe('UNAUTHENTICATED')
    expect(codeOf(await refresh(system, last.refreshToken))).toBe('UNAUTHENTICATED')
    for (const signedIn of [stolen, next, last]) expect(await admits(system, signedIn)).toBe(false)
    expect(await openLogins(system, elsewhere)).toEqual([elsewhere.loginId])
  })

  it('ends the login when a spent token comes again after a minute (input B9)', async () => {
    const system = start()
    const first = await signUp(system)
    const next = await refreshed(system, first)
    system.clock.pass(60_001)
    expect(codeOf(await refresh(system, first.refreshToken))).toBe('UNAUTHENTICATED')
    expect(codeOf(await refresh(system, next.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await admits(system, next)).toBe(false)
  })

  it('tells every process that a replayed token has ended a login (input B9)', async () => {
    const { startProcess, clock } = startDeployment()
    const [one, other] = [startProcess(), startProcess()]
    await Promise.all([one.parley.start(), other.parley.start()])
    const first = await signUp(one)
    await refreshed(other, await refreshed(one, first))
    expect(await admits(other, first)).toBe(true)
    expect(codeOf(await refresh(one, first.refreshToken))).toBe('UNAUTHENTICATED')
    clock.pass(0)
    expect(await admits(one, first)).toBe(false)
    await expect.poll(() => admits(other, first)).toBe(false)
    one.parley.stop()
    other.parley.stop()
  })

  it('serves a client whose answer was lost: the same token within a minute gets another successor', async () => {
    const system = start()
    const first = await signUp(system)
    await refreshed(system, first)
    system.clock.pass(59_000)
    const retried = await refreshed(system, first)
    const last = await refreshed(system, retried)
    expect(await admits(system, last)).toBe(true)
  })

  it('serves two who present one token at the same time', async () => {
    const system = start()
    const first = await signUp(system)
    const [one, other] = await Promise.all([refreshed(system, first), refreshed(system, first)])
    expect(one.refreshToken).not.toBe(other.refreshToken)
    // Two tabs, say, that go on with what each was given.
    system.clock.pass(10 * 60_000)
    for (const tab of [one, other]) await refreshed(system, tab)
    expect(await openLogins(system, first)).toEqual([first.loginId])
  })

  it('refuses after the absolute lifetime, however busy the login was (input B10)', async () => {
    const system = start({ settings: { sessionMaxMs: 2 * DAY_MS } })
    const first = await signUp(system)
    let last = first
    for (let hours = 0; hours < 47; hours += 1) {
      system.clock.pass(3_600_000)
      last = await refreshed(system, last)
    }
    system.clock.pass(3_590_000)
    last = await refreshed(system, last)
    // Ten seconds before the end: neither token may outlive the login.
    expect(last.expiresInS).toBe(10)
    expect(last.refreshExpiresAtMs).toBe(first.refreshExpiresAtMs)
    expect(await admits(system, last)).toBe(true)
    const ended: unknown[] = []
    system.parley.loginFeed.onEnded((login) => ended.push(login))
    system.clock.pass(10_000)
    expect(await admits(system, last)).toBe(false)
    expect(codeOf(await refresh(system, last.refreshToken))).toBe('UNAUTHENTICATED')
    expect(ended).toMatchObject([{ loginId: first.loginId, reason: 'expired' }])
  })

  it('answers every token that opens nothing alike', async () => {
    const system = start()
    const signedIn = await signUp(system)
    unwrap(await system.parley.signOut.execute({ actor: actorOf(signedIn) }))
    const ended = refusalOf(await refresh(system, signedIn.refreshToken))
    expect(ended?.code).toBe('UNAUTHENTICATED')
    for (const token of ['', 'a', '\0', 'é'.repeat(10_000), signedIn.accessToken])
      expect(refusalOf(await refresh(system, token))).toEqual(ended)
  })
})
