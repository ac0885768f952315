import { describe, expect, it } from 'vitest'
import {
  actorOf,
  admits,
  codeOf,
  newIp,
  type Options,
  signIn,
  signUp,
  start,
  trySignIn,
  trySignUp,
  unwrap,
  waitOf,
} from './system.js'

/** Counts what reaches the hashing. */
function startCounting() {
  const hashed: string[] = []
  const wrap: Options['wrap'] = ({ passwords }) => ({
    passwords: {
      hash: (password) => {
        hashed.push(password)
        return passwords.hash(password)
      },
      verify: (password, hash) => {
        hashed.push(password)
        return passwords.verify(password, hash)
      },
    },
  })
  return { ...start({ wrap }), hashed }
}

describe('SignUp', () => {
  it('opens an account and its first login', async () => {
    const system = start()
    const signedIn = await signUp(system, { email: '  Ann@Example.org ', displayName: ' Ann ' })
    expect(signedIn.user).toMatchObject({ email: 'Ann@Example.org', displayName: 'Ann', mediation: 'on' })
    expect(signedIn.expiresInS).toBe(900)
    expect(signedIn.refreshExpiresAtMs).toBe(system.clock.nowMs() + 30 * 86_400_000)
    expect(await admits(system, signedIn)).toBe(true)
    expect(unwrap(await system.parley.getProfile.execute(actorOf(signedIn)))).toEqual(signedIn.user)
  })

  it('answers CONFLICT for a known address in whatever case, and leaves the account alone (input E2)', async () => {
    const system = start()
    await signUp(system, { email: 'ann@example.org' })
    for (const email of ['ann@example.org', 'ANN@example.ORG', ' ann@example.org '])
      expect(codeOf(await trySignUp(system, { email, password: 'another password' }))).toBe('CONFLICT')
    expect(codeOf(await trySignIn(system, { password: 'another password' }))).toBe('UNAUTHENTICATED')
    await signIn(system)
  })

  it('gives an address to exactly one of several who sign up with it at once', async () => {
    const system = start()
    const codes = await Promise.all(Array.from({ length: 4 }, async () => codeOf(await trySignUp(system))))
    expect(codes.filter((code) => code === null)).toHaveLength(1)
    expect(codes.filter((code) => code === 'CONFLICT')).toHaveLength(3)
  })

  it('stops telling whether an address is known, wherever it is asked from (input E2)', async () => {
    const system = start()
    for (const email of ['known@example.org', 'Known@Example.org']) await trySignUp(system, { email })
    const answers = []
    for (let asked = 0; asked < 10; asked += 1)
      answers.push(codeOf(await trySignUp(system, { email: 'known@example.org' })))
    expect(answers).toEqual([...Array(3).fill('CONFLICT'), ...Array(7).fill('RATE_LIMITED')])
  })

  it('stops telling one address about ever new addresses, and goes on after the time it names (input E2)', async () => {
    const system = startCounting()
    const ip = newIp()
    const ask = (asked: number) => trySignUp(system, { ip, email: `person-${asked}@example.org` })
    for (let asked = 0; asked < 40; asked += 1) expect(codeOf(await ask(asked))).toBeNull()
    const limited = await ask(40)
    expect(codeOf(limited)).toBe('RATE_LIMITED')
    expect(system.hashed).toHaveLength(40)
    system.clock.pass(waitOf(limited))
    expect(codeOf(await ask(41))).toBeNull()
  })

  it('counts an IPv6 network as one address', async () => {
    const system = start()
    const ask = (asked: number) =>
      trySignUp(system, { ip: `2001:db8:1:2::${asked.toString(16)}`, email: `six-${asked}@example.org` })
    const codes = await Promise.all(Array.from({ length: 45 }, async (_, asked) => codeOf(await ask(asked))))
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(5)
  })

  it('takes a password of 64 characters whole (input E5)', async () => {
    const system = start()
    const password = 'sixty-four characters, and each of them counts up to the last: 1'
    expect(password).toHaveLength(64)
    await signUp(system, { password })
    await signIn(system, { password })
    expect(codeOf(await trySignIn(system, { password: password.replace(/1$/, '2') }))).toBe('UNAUTHENTICATED')
  })

  it('refuses a password of 1 MB before it is hashed, also at sign-in (input E5)', async () => {
    const system = startCounting()
    const password = 'x'.repeat(1_000_000)
    expect(codeOf(await trySignUp(system, { password }))).toBe('VALIDATION_FAILED')
    expect(codeOf(await trySignIn(system, { password }))).toBe('VALIDATION_FAILED')
    expect(system.hashed).toEqual([])
  })

  it.each(['password1', 'Qwertyuiop', '1234567890', 'ILOVEYOU', 'trustno1', 'football'])(
    'refuses the common password %s, and stores nothing (input E8)',
    async (password) => {
      const system = start()
      expect(codeOf(await trySignUp(system, { password }))).toBe('VALIDATION_FAILED')
      await signUp(system)
    },
  )

  it.each([
    ['an address without a host', { email: 'ann@' }],
    ['an address with NUL', { email: 'ann\0@example.org' }],
    ['an address that cannot be encoded', { email: 'ann\ud800@example.org' }],
    ['a blank name', { displayName: '   ' }],
    ['a name of 61 characters', { displayName: 'x'.repeat(61) }],
    ['a name that turns the text around', { displayName: 'Ann\u202e' }],
    ['a password of 7 characters', { password: 'xkqvbnz' }],
    ['a password with NUL', { password: 'correct\0horse' }],
  ])('refuses %s', async (_, given) => {
    expect(codeOf(await trySignUp(start(), given))).toBe('VALIDATION_FAILED')
  })

  it('keeps of the user agent what can be stored and shown', async () => {
    const system = start()
    const signedIn = await signUp(system, { userAgent: `Browser\0\r\n${'x'.repeat(300)}` })
    const { logins } = unwrap(await system.parley.listLogins.execute(actorOf(signedIn)))
    expect(logins[0]?.userAgent).toBe(`Browser${'x'.repeat(249)}`)
  })
})
