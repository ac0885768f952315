import { describe, expect, it } from 'vitest'
import { UuidIds } from '../../../adapters/system/index.js'
import {
  actorOf,
  admits,
  codeOf,
  newIp,
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

const NEXT = 'a whole new password'
const HOUR_MS = 3_600_000

const issue = async ({ parley }: System, userId: string) =>
  unwrap(await parley.issuePasswordReset.execute({ userId }))

const reset = (
  { parley }: System,
  code: string,
  given: Partial<Parameters<System['parley']['resetPassword']['execute']>[0]> = {},
) => parley.resetPassword.execute({ email: 'ann@example.org', code, next: NEXT, ip: newIp(), ...given })

async function startWithAnn() {
  const system = start()
  const ann = await signUp(system)
  return { system, ann, userId: ann.user.id }
}

describe('IssuePasswordReset and ResetPassword', () => {
  it('set a new password once, and end all logins', async () => {
    const { system, ann, userId } = await startWithAnn()
    const elsewhere = await signIn(system)
    const { code, expiresAtMs } = await issue(system, userId)
    expect(expiresAtMs).toBe(system.clock.nowMs() + HOUR_MS)
    unwrap(await reset(system, code.toLowerCase().replaceAll('-', ' '), { email: 'Ann@Example.org' }))
    for (const login of [ann, elsewhere]) {
      expect(await admits(system, login)).toBe(false)
      expect(codeOf(await refresh(system, login.refreshToken))).toBe('UNAUTHENTICATED')
    }
    expect(codeOf(await trySignIn(system))).toBe('UNAUTHENTICATED')
    await signIn(system, { password: NEXT })
    expect(codeOf(await reset(system, code))).toBe('UNAUTHENTICATED')
  })

  it('answer an unknown address and a wrong, replaced, expired or foreign code alike (input E2)', async () => {
    const { system, userId } = await startWithAnn()
    const ben = await signUp(system, { email: 'ben@example.org' })
    const replaced = await issue(system, userId)
    const current = await issue(system, userId)
    const foreign = await issue(system, ben.user.id)
    const answers = [
      await reset(system, current.code, { email: 'nobody@example.org' }),
      await reset(system, 'no such code'),
      await reset(system, ''),
      await reset(system, replaced.code),
      await reset(system, foreign.code),
    ]
    system.clock.pass(HOUR_MS)
    answers.push(await reset(system, current.code))
    expect(refusalOf(answers[0] ?? expect.fail())?.code).toBe('UNAUTHENTICATED')
    for (const answer of answers) expect(answer).toEqual(answers[0])
    await signIn(system)
  })

  it('hash the new password whether or not the code fits, so that time tells nothing', async () => {
    const hashed: string[] = []
    const system = start({
      wrap: ({ passwords }) => ({
        passwords: {
          verify: (password, stored) => passwords.verify(password, stored),
          hash: (password) => {
            hashed.push(password)
            return passwords.hash(password)
          },
        },
      }),
    })
    await reset(system, 'no such code')
    await reset(system, 'no such code', { email: 'nobody@example.org', next: 'for nobody at all' })
    expect(hashed).toEqual([NEXT, 'for nobody at all'])
  })

  it('refuse a common password and leave the code unused (input E8)', async () => {
    const { system, userId } = await startWithAnn()
    const { code } = await issue(system, userId)
    expect(codeOf(await reset(system, code, { next: 'sunshine' }))).toBe('VALIDATION_FAILED')
    unwrap(await reset(system, code))
  })

  it('limit the tries from one address, and those at one account from many', async () => {
    const { system, userId } = await startWithAnn()
    const ip = newIp()
    for (let tried = 0; tried < 10; tried += 1)
      expect(codeOf(await reset(system, `wrong ${tried}`, { ip }))).toBe('UNAUTHENTICATED')
    expect(codeOf(await reset(system, 'wrong', { ip }))).toBe('RATE_LIMITED')
    for (let tried = 0; tried < 50; tried += 1) await reset(system, `wrong ${tried}`)
    const { code } = await issue(system, userId)
    system.clock.pass(waitOf(await reset(system, code)))
    unwrap(await reset(system, code))
  })

  it('answer NOT_FOUND for a user that does not exist', async () => {
    const { system } = await startWithAnn()
    for (const userId of [new UuidIds().next(), 'nobody'])
      expect(codeOf(await system.parley.issuePasswordReset.execute({ userId }))).toBe('NOT_FOUND')
  })
})

describe('SetUserDisabled', () => {
  it('ends all logins and opens none until the user is enabled again', async () => {
    const { system, ann, userId } = await startWithAnn()
    const ended: string[] = []
    system.parley.loginFeed.onEnded(({ reason }) => ended.push(reason))
    const second = await signIn(system)
    unwrap(await system.parley.setUserDisabled.execute({ userId, disabled: true }))
    expect(ended).toEqual(['disabled', 'disabled'])
    for (const login of [ann, second]) expect(await admits(system, login)).toBe(false)
    expect(codeOf(await trySignIn(system))).toBe('UNAUTHENTICATED')
    expect(codeOf(await system.parley.getProfile.execute(actorOf(ann)))).toBe('UNAUTHENTICATED')
    unwrap(await system.parley.setUserDisabled.execute({ userId, disabled: false }))
    await signIn(system)
    expect(codeOf(await refresh(system, ann.refreshToken))).toBe('UNAUTHENTICATED')
  })

  it('answers NOT_FOUND for a user that does not exist', async () => {
    const { system } = await startWithAnn()
    for (const userId of [new UuidIds().next(), 'nobody'])
      expect(codeOf(await system.parley.setUserDisabled.execute({ userId, disabled: true }))).toBe(
        'NOT_FOUND',
      )
  })
})

describe('EndLoginByAdmin', () => {
  it('ends that one login and no other', async () => {
    const { system, ann } = await startWithAnn()
    const second = await signIn(system)
    const end = () => system.parley.endLoginByAdmin.execute({ loginId: second.loginId })
    unwrap(await end())
    expect(await admits(system, second)).toBe(false)
    expect(await admits(system, ann)).toBe(true)
    expect(codeOf(await end())).toBe('NOT_FOUND')
    expect(codeOf(await system.parley.endLoginByAdmin.execute({ loginId: 'none' }))).toBe('NOT_FOUND')
  })
})
