import { hash } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import {
  actorOf,
  admits,
  codeOf,
  newIp,
  type Options,
  PASSWORD,
  refresh,
  refusalOf,
  type System,
  signIn,
  signUp,
  start,
  trySignIn,
  unwrap,
  waitOf,
} from './system.js'

const WRONG = { password: 'not the password' }

const times = async <T>(count: number, ask: (index: number) => Promise<T>): Promise<T[]> => {
  const answers: T[] = []
  for (let index = 0; index < count; index += 1) answers.push(await ask(index))
  return answers
}

const countOf = (codes: readonly (string | null)[], code: string): number =>
  codes.filter((other) => other === code).length

/** Stores another hash for Ann, as if it had been there for long. */
async function storeHash(system: System, passwordHash: string): Promise<string> {
  const { user } = await signUp(system)
  const account = system.database.accounts.get(user.id)
  if (account !== undefined) account.passwordHash = passwordHash
  return user.id
}

const storedHash = async (system: System, userId: string): Promise<string> =>
  (await system.ports.accounts.find(userId))?.passwordHash ?? ''

describe('SignIn', () => {
  it('opens a login for the address in whatever case', async () => {
    const system = start()
    const { user } = await signUp(system, { email: 'Ann@example.org' })
    for (const email of ['ann@example.org', 'ANN@EXAMPLE.ORG', ' Ann@example.org '])
      expect((await signIn(system, { email })).user).toEqual(user)
  })

  it('names a new login, with new tokens, each time; a refresh changes both tokens (input B8)', async () => {
    const system = start()
    const all = [await signUp(system), await signIn(system), await signIn(system)]
    all.push(unwrap(await refresh(system, all[2]?.refreshToken ?? '')))
    expect(new Set(all.map(({ loginId }) => loginId)).size).toBe(3)
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(4)
    expect(all[3]?.loginId).toBe(all[2]?.loginId)
  })

  it('answers a wrong password, an unknown address and a disabled account alike (input E2)', async () => {
    const system = start()
    const { user } = await signUp(system)
    const wrong = refusalOf(await trySignIn(system, WRONG))
    const unknown = refusalOf(await trySignIn(system, { email: 'nobody@example.org' }))
    unwrap(await system.parley.setUserDisabled.execute({ userId: user.id, disabled: true }))
    const disabled = refusalOf(await trySignIn(system))
    expect(wrong?.code).toBe('UNAUTHENTICATED')
    expect(unknown).toEqual(wrong)
    expect(disabled).toEqual(wrong)
  })

  it('compares a password also where there is no account to compare with', async () => {
    const compared: (string | null)[] = []
    const wrap: Options['wrap'] = ({ passwords }) => ({
      passwords: {
        hash: (password) => passwords.hash(password),
        verify: (password, stored) => {
          compared.push(stored)
          return passwords.verify(password, stored)
        },
      },
    })
    await trySignIn(start({ wrap }), { email: 'nobody@example.org' })
    expect(compared).toEqual([null])
  })

  it('is refused with 100 wrong tries from one address, and its owner still gets in elsewhere (input E3)', async () => {
    const system = start()
    await signUp(system)
    const ip = newIp()
    const codes = (await times(100, () => trySignIn(system, { ...WRONG, ip }))).map(codeOf)
    expect(countOf(codes, 'UNAUTHENTICATED')).toBe(10)
    expect(countOf(codes, 'RATE_LIMITED')).toBe(90)
    await signIn(system)
  })

  it('lets the owner in at the attacked address after the time that it names (input E3)', async () => {
    const system = start()
    await signUp(system)
    const ip = newIp()
    await times(100, () => trySignIn(system, { ...WRONG, ip }))
    const waitMs = waitOf(await trySignIn(system, { ip }))
    expect(waitMs).toBeLessThanOrEqual(60_000)
    system.clock.pass(waitMs)
    await signIn(system, { ip })
  })

  it('limits wrong tries at one account from 100 addresses, and not for good (input E3)', async () => {
    const system = start()
    await signUp(system)
    const codes = (await times(100, () => trySignIn(system, WRONG))).map(codeOf)
    expect(countOf(codes, 'UNAUTHENTICATED')).toBe(60)
    expect(countOf(codes, 'RATE_LIMITED')).toBe(40)
    system.clock.pass(waitOf(await trySignIn(system)))
    await signIn(system)
  })

  it('lets the owner in where they were before while 100 addresses try without end (input E3)', async () => {
    const system = start()
    const [first, second] = [newIp(), newIp()]
    await signUp(system, { ip: first })
    await signIn(system, { ip: second })
    const attackers = Array.from({ length: 100 }, newIp)
    for (let minute = 0; minute < 5; minute += 1) {
      for (const ip of attackers) await trySignIn(system, { ...WRONG, ip })
      expect(codeOf(await trySignIn(system))).toBe('RATE_LIMITED')
      for (const ip of [first, second]) await signIn(system, { ip })
      system.clock.pass(60_000)
    }
  })

  it('limits tries from where the owner was before as it does from anywhere (input E3)', async () => {
    const system = start()
    const ip = newIp()
    await signUp(system, { ip })
    await times(100, () => trySignIn(system, WRONG))
    const codes = (await times(100, () => trySignIn(system, { ...WRONG, ip }))).map(codeOf)
    expect(countOf(codes, 'UNAUTHENTICATED')).toBe(10)
  })

  it('takes no place for known to one account that only another was at (input E3)', async () => {
    const system = start()
    const ip = newIp()
    await signUp(system, { ip })
    const bob = { email: 'bob@example.org' }
    await signUp(system, bob)
    await times(100, () => trySignIn(system, { ...WRONG, ...bob }))
    expect(codeOf(await trySignIn(system, { ...bob, ip }))).toBe('RATE_LIMITED')
    await signIn(system, { ip })
  })

  it('limits one address that tries many accounts (input E3)', async () => {
    const system = start()
    await signUp(system)
    const ip = newIp()
    const tried = await times(100, (index) =>
      trySignIn(system, { ...WRONG, ip, email: `person-${index}@example.org` }),
    )
    expect(countOf(tried.map(codeOf), 'RATE_LIMITED')).toBe(40)
    await signIn(system)
  })

  it('leaves to others at an address what it refuses to tries at one account (input E3)', async () => {
    const system = start()
    const ip = newIp()
    await signUp(system)
    await times(100, () => trySignIn(system, { ...WRONG, ip }))
    const others = await times(60, (index) =>
      trySignIn(system, { ...WRONG, ip, email: `person-${index}@example.org` }),
    )
    expect(countOf(others.map(codeOf), 'UNAUTHENTICATED')).toBe(50)
  })

  it('limits unknown addresses as it limits known ones (input E2)', async () => {
    const system = start()
    await signUp(system)
    const tryTwelve = async (email: string) => {
      const ip = newIp()
      return (await times(12, () => trySignIn(system, { ...WRONG, email, ip }))).map(refusalOf)
    }
    expect(await tryTwelve('nobody@example.org')).toEqual(await tryTwelve('ann@example.org'))
  })

  it('stores a password under stronger parameters when it comes by (input E6)', async () => {
    const system = start()
    const weak = await hash(PASSWORD, { memoryCost: 4_096, timeCost: 1, parallelism: 1 })
    const userId = await storeHash(system, weak)
    expect(codeOf(await trySignIn(system, WRONG))).toBe('UNAUTHENTICATED')
    expect(await storedHash(system, userId)).toBe(weak)
    await signIn(system)
    expect(await storedHash(system, userId)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await signIn(system)
  })

  it('signs in with an old hash also while there is no time to hash anew', async () => {
    const wrap: Options['wrap'] = ({ passwords }) => {
      let hashed = 0
      return {
        passwords: {
          verify: (password, stored) => passwords.verify(password, stored),
          hash: async (password) => {
            hashed += 1
            if (hashed > 1) throw new PortUnavailable('PasswordPort', new Error('busy'))
            return passwords.hash(password)
          },
        },
      }
    }
    const system = start({ wrap })
    const weak = await hash(PASSWORD, { memoryCost: 4_096, timeCost: 1, parallelism: 1 })
    const userId = await storeHash(system, weak)
    await signIn(system)
    expect(await storedHash(system, userId)).toBe(weak)
  })

  it.each([
    [
      'the password is changed',
      (system: System, userId: string) =>
        system.ports.accounts.setPassword({ userId, loginId: null }, 'another hash', system.clock.nowMs()),
    ],
    [
      'the account is disabled',
      (system: System, userId: string) =>
        system.ports.accounts.setDisabled(userId, true, system.clock.nowMs()),
    ],
  ])('leaves no login behind when %s between the comparison and the opening', async (_, interfere) => {
    let between: () => Promise<unknown> = async () => undefined
    const wrap: Options['wrap'] = ({ passwords }) => ({
      passwords: {
        hash: (password) => passwords.hash(password),
        verify: async (password, stored) => {
          const answer = await passwords.verify(password, stored)
          await between()
          return answer
        },
      },
    })
    const system = start({ wrap })
    const { user } = await signUp(system)
    between = () => interfere(system, user.id)
    expect(codeOf(await trySignIn(system))).toBe('UNAUTHENTICATED')
    expect(await system.ports.logins.list(user.id, system.clock.nowMs())).toEqual([])
  })

  it('answers 200 sign-ins at once, or says when to come again; none waits without end (input E7)', async () => {
    const wrap: Options['wrap'] = ({ limits }) => ({ limits: new ScaledRateLimit(limits, 1_000) })
    const system = start({ wrap })
    await signUp(system)
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, () => trySignIn(system)))
    const signedIn = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.ok)
    const busy = outcomes.filter(
      (outcome) => outcome.status === 'rejected' && outcome.reason instanceof PortUnavailable,
    )
    expect(signedIn).toHaveLength(66)
    expect(busy).toHaveLength(134)
    await signIn(system)
  })

  it('admits nobody by the token of a login that has ended', async () => {
    const system = start()
    const signedIn = await signUp(system)
    unwrap(await system.parley.signOut.execute({ actor: actorOf(signedIn) }))
    expect(await admits(system, signedIn)).toBe(false)
  })
})
