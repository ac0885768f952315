import { describe, expect, it } from 'vitest'
import { actorOf, newIp, PASSWORD, refresh, signIn, signUp, start, unwrap } from './system.js'

/** Everything that is handed to a port, as text. */
function recording<Port extends object>(port: Port, into: string[]): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => {
        into.push(JSON.stringify(given))
        return Reflect.apply(member, target, given)
      }
    },
  })
}

describe('secrets', () => {
  it('reach the stores as digests only, so that no store compares one by its characters (input E9)', async () => {
    const stored: string[] = []
    const { parley } = start({
      wrap: ({ accounts, logins, limits, sessions, cache, bus }) => ({
        accounts: recording(accounts, stored),
        logins: recording(logins, stored),
        limits: recording(limits, stored),
        sessions: recording(sessions, stored),
        cache: recording(cache, stored),
        bus: recording(bus, stored),
      }),
    })
    const first = await signUp({ parley })
    const next = unwrap(await refresh({ parley }, first.refreshToken))
    const { code } = unwrap(await parley.issuePasswordReset.execute({ userId: first.user.id }))
    const reset = { email: 'ann@example.org', code, next: 'a whole new password', ip: newIp() }
    unwrap(await parley.resetPassword.execute(reset))
    const last = await signIn({ parley }, { password: reset.next })
    unwrap(await parley.registerUser.execute(actorOf(last), { socketId: 'socket' }))
    const text = stored.join('\n')
    expect(stored.length).toBeGreaterThan(8)
    const secrets = [
      first.refreshToken,
      next.refreshToken,
      last.refreshToken,
      first.accessToken,
      last.accessToken,
      code,
      PASSWORD,
      reset.next,
    ]
    for (const secret of [...secrets, code.replaceAll('-', '')]) expect(text).not.toContain(secret)
  })

  it('open nothing when only their end differs', async () => {
    const system = start()
    const { refreshToken } = await signUp(system)
    const almost = `${refreshToken.slice(0, -2)}${refreshToken.endsWith('AA') ? 'BB' : 'AA'}`
    expect((await refresh(system, almost)).ok).toBe(false)
    expect((await refresh(system, refreshToken)).ok).toBe(true)
  })
})
