import { describe, expect, it } from 'vitest'
import type { EndedLogin } from '../../../core/domain/account.js'
import {
  actorOf,
  admits,
  codeOf,
  PASSWORD,
  refresh,
  type System,
  signIn,
  signUp,
  start,
  startDeployment,
  trySignIn,
  unwrap,
} from './system.js'

const NEXT = 'a whole new password'

function recordEnds({ parley }: System): EndedLogin[] {
  const ended: EndedLogin[] = []
  parley.loginFeed.onEnded((login) => ended.push(login))
  return ended
}

async function startWithTwoLogins() {
  const system = start()
  const first = await signUp(system)
  const second = await signIn(system)
  return { system, first, second, ended: recordEnds(system) }
}

describe('SignOut', () => {
  it('ends the login of the access token and no other, and may be repeated', async () => {
    const { system, first, second, ended } = await startWithTwoLogins()
    for (let time = 0; time < 2; time += 1)
      unwrap(await system.parley.signOut.execute({ actor: actorOf(first) }))
    expect(ended).toMatchObject([{ loginId: first.loginId, reason: 'signed-out' }])
    expect(codeOf(await refresh(system, first.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await admits(system, second)).toBe(true)
  })

  it('ends the login of a refresh token, also of a spent one', async () => {
    const { system, first, second, ended } = await startWithTwoLogins()
    const next = unwrap(await refresh(system, second.refreshToken))
    unwrap(await system.parley.signOut.execute({ refreshToken: second.refreshToken }))
    expect(ended).toMatchObject([{ loginId: second.loginId, reason: 'signed-out' }])
    expect(codeOf(await refresh(system, next.refreshToken))).toBe('UNAUTHENTICATED')
    expect(await admits(system, first)).toBe(true)
  })

  it('ends nothing for a token that nobody knows', async () => {
    const { system, ended } = await startWithTwoLogins()
    unwrap(await system.parley.signOut.execute({ refreshToken: 'unknown' }))
    expect(ended).toEqual([])
  })

  it('is known to the store before anybody is told', async () => {
    const { system, first } = await startWithTwoLogins()
    const wasLive: Promise<boolean>[] = []
    const isLive = async () =>
      (await system.ports.accounts.updateProfile(actorOf(first), {}, system.clock.nowMs())) !== null
    system.parley.loginFeed.onEnded(() => wasLive.push(isLive()))
    unwrap(await system.parley.signOut.execute({ actor: actorOf(first) }))
    expect(await Promise.all(wasLive)).toEqual([false])
  })

  it('is told to other processes', async () => {
    const { startProcess } = startDeployment()
    const [one, other] = [startProcess(), startProcess()]
    await Promise.all([one.parley.start(), other.parley.start()])
    const signedIn = await signUp(one)
    expect(await admits(other, signedIn)).toBe(true)
    unwrap(await one.parley.signOut.execute({ actor: actorOf(signedIn) }))
    await expect.poll(() => admits(other, signedIn)).toBe(false)
    one.parley.stop()
    other.parley.stop()
  })
})

describe('ListLogins and EndLogin', () => {
  it('list the open logins, newest first, and say which one asks', async () => {
    const { system, first } = await startWithTwoLogins()
    system.clock.pass(1_000)
    const third = await signIn(system, { userAgent: 'Phone' })
    const { logins, currentId } = unwrap(await system.parley.listLogins.execute(actorOf(first)))
    expect(logins).toHaveLength(3)
    expect(logins[0]).toMatchObject({ id: third.loginId, userAgent: 'Phone' })
    expect(currentId).toBe(first.loginId)
  })

  it('end one login, and take it off the list', async () => {
    const { system, first, second, ended } = await startWithTwoLogins()
    const end = () => system.parley.endLogin.execute(actorOf(first), { loginId: second.loginId })
    unwrap(await end())
    expect(ended).toMatchObject([{ loginId: second.loginId, reason: 'ended' }])
    expect(codeOf(await end())).toBe('NOT_FOUND')
    const { logins } = unwrap(await system.parley.listLogins.execute(actorOf(first)))
    expect(logins.map(({ id }) => id)).toEqual([first.loginId])
  })

  it('answer NOT_FOUND for the login of another user, and leave it open', async () => {
    const { system, first, ended } = await startWithTwoLogins()
    const ben = await signUp(system, { email: 'ben@example.org' })
    const loginId = ben.loginId
    expect(codeOf(await system.parley.endLogin.execute(actorOf(first), { loginId }))).toBe('NOT_FOUND')
    expect(codeOf(await system.parley.endLogin.execute(actorOf(first), { loginId: "' or true --" }))).toBe(
      'NOT_FOUND',
    )
    expect(ended).toEqual([])
  })
})

describe('ChangePassword', () => {
  it('keeps the login that asks and ends the others', async () => {
    const { system, first, second, ended } = await startWithTwoLogins()
    unwrap(await system.parley.changePassword.execute(actorOf(first), { current: PASSWORD, next: NEXT }))
    expect(ended).toMatchObject([{ loginId: second.loginId, reason: 'password-changed' }])
    unwrap(await refresh(system, first.refreshToken))
    expect(codeOf(await refresh(system, second.refreshToken))).toBe('UNAUTHENTICATED')
    expect(codeOf(await trySignIn(system))).toBe('UNAUTHENTICATED')
    await signIn(system, { password: NEXT })
  })

  it('refuses a wrong present password and a common new one, and changes nothing', async () => {
    const { system, first, ended } = await startWithTwoLogins()
    const change = system.parley.changePassword
    const wrong = await change.execute(actorOf(first), { current: 'not the password', next: NEXT })
    expect(wrong).toMatchObject({ refusal: { code: 'VALIDATION_FAILED', details: [{ path: 'current' }] } })
    const common = await change.execute(actorOf(first), { current: PASSWORD, next: 'password123' })
    expect(common).toMatchObject({ refusal: { code: 'VALIDATION_FAILED', details: [{ path: 'next' }] } })
    expect(ended).toEqual([])
    await signIn(system)
  })

  it('limits how often the present password may be tried', async () => {
    const { system, first } = await startWithTwoLogins()
    const codes: (string | null)[] = []
    for (let tried = 0; tried < 12; tried += 1) {
      const input = { current: `guess number ${tried}`, next: NEXT }
      codes.push(codeOf(await system.parley.changePassword.execute(actorOf(first), input)))
    }
    expect(codes.slice(10)).toEqual(['RATE_LIMITED', 'RATE_LIMITED'])
  })

  it('is refused to a login that has ended, also while the new password was hashed', async () => {
    let meanwhile: () => Promise<unknown> = async () => undefined
    const system = start({
      wrap: ({ passwords }) => ({
        passwords: {
          verify: (password, stored) => passwords.verify(password, stored),
          hash: async (password) => {
            const hashed = await passwords.hash(password)
            await meanwhile()
            return hashed
          },
        },
      }),
    })
    const first = await signUp(system)
    meanwhile = () => system.ports.logins.end(first.loginId, null, 'ended', system.clock.nowMs())
    const change = () =>
      system.parley.changePassword.execute(actorOf(first), { current: PASSWORD, next: NEXT })
    for (let time = 0; time < 2; time += 1) expect(codeOf(await change())).toBe('UNAUTHENTICATED')
    await signIn(system)
  })
})

describe('GetProfile and UpdateProfile', () => {
  it('change what is given and keep the rest', async () => {
    const { system, first } = await startWithTwoLogins()
    const { updateProfile, getProfile } = system.parley
    expect(unwrap(await updateProfile.execute(actorOf(first), { displayName: ' A\u0301nna ' }))).toEqual({
      ...first.user,
      displayName: '\u00c1nna',
    })
    const changed = unwrap(await updateProfile.execute(actorOf(first), { mediation: 'off' }))
    expect(changed).toEqual({ ...first.user, displayName: '\u00c1nna', mediation: 'off' })
    expect(unwrap(await getProfile.execute(actorOf(first)))).toEqual(changed)
  })

  it('refuse a name that cannot be shown, and a login that has ended', async () => {
    const { system, first, second } = await startWithTwoLogins()
    const { updateProfile } = system.parley
    expect(codeOf(await updateProfile.execute(actorOf(first), { displayName: 'A\u200bnn' }))).toBe(
      'VALIDATION_FAILED',
    )
    await system.ports.logins.end(second.loginId, null, 'ended', system.clock.nowMs())
    expect(codeOf(await updateProfile.execute(actorOf(second), { displayName: 'Eve' }))).toBe(
      'UNAUTHENTICATED',
    )
    expect(unwrap(await system.parley.getProfile.execute(actorOf(first)))).toEqual(first.user)
  })
})
