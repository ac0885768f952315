import { describe, expect, it } from 'vitest'
import { LOGIN_RETENTION_MS } from '../../../core/domain/account.js'
import { actorOf, refresh, signIn, signUp, start, unwrap } from './system.js'

describe('ForgetEndedLogins', () => {
  it('forgets a login with its tokens 30 days after it ended, and not before', async () => {
    const system = start()
    const { parley, clock, database } = system
    const first = await signUp(system)
    const second = await signIn(system)
    await refresh(system, second.refreshToken)
    unwrap(await parley.endLogin.execute(actorOf(first), { loginId: second.loginId }))
    clock.pass(LOGIN_RETENTION_MS)
    expect(await parley.forgetEndedLogins.execute()).toBe(0)
    clock.pass(1)
    expect(await parley.forgetEndedLogins.execute()).toBe(3)
    expect([...database.logins.keys()]).toEqual([first.loginId])
    expect(await parley.forgetEndedLogins.execute()).toBe(0)
  })

  it('forgets all that is due with one call, however many times it has to ask', async () => {
    const system = start({
      wrap: ({ logins }) => ({
        logins: Object.assign(Object.create(logins) as typeof logins, {
          forget: (beforeMs: number) => logins.forget(beforeMs, 2),
        }),
      }),
    })
    const { parley, clock, database } = system
    await signUp(system)
    for (let login = 0; login < 6; login += 1) await signIn(system)
    clock.pass(2 * LOGIN_RETENTION_MS + 1)
    expect(await parley.forgetEndedLogins.execute()).toBe(14)
    expect(database.logins.size).toBe(0)
  })

  it('answers a forgotten refresh token as one that never was', async () => {
    const system = start()
    const { parley, clock } = system
    const { refreshToken } = await signUp(system)
    clock.pass(2 * LOGIN_RETENTION_MS + 1)
    await parley.forgetEndedLogins.execute()
    expect(await refresh(system, refreshToken)).toEqual(await refresh(system, 'never was'))
  })
})
