import { describe, expect, it } from 'vitest'
import { COMMON_PASSWORDS } from './common-passwords.js'
import { checkNewPassword, checkPassword } from './password-policy.js'

const complaint = (password: string): string | null => {
  const checked = checkNewPassword('password', password)
  if (checked.ok) return null
  return checked.refusal.code === 'VALIDATION_FAILED' ? (checked.refusal.details[0]?.message ?? '') : ''
}

describe('a new password', () => {
  it('may be made of anything from 8 to 1,000 characters (input E5, E8)', () => {
    for (const password of [
      'xkqvbnzt',
      'ünïcödé!',
      '🔑🔒🗝️🚪🪟🏠🌳🌲',
      `${'x'.repeat(63)}!`,
      'k'.repeat(1_000),
      '🔑'.repeat(1_000),
      'only lower case letters',
      '83920174658',
    ])
      expect(complaint(password), password.slice(0, 20)).toBeNull()
  })

  it('is refused below 8 and above 1,000 characters', () => {
    expect(complaint('xkqvbnz')).toBe('must have at least 8 characters')
    // Seven characters, though fourteen code units.
    expect(complaint('🔑'.repeat(7))).toBe('must have at least 8 characters')
    expect(complaint('k'.repeat(1_001))).toBe('must have at most 1000 characters')
  })

  it('is refused with NUL or a lone surrogate, in any place', () => {
    for (const password of ['xkqv\0bnzt', 'xkqvbnzt\ud800', '\udc00xkqvbnzt'])
      expect(complaint(password)).toMatch(/NUL/)
  })

  it('is refused when it is among the 3,000 most common ones, however it is written (input E8)', () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThanOrEqual(3_000)
    for (const common of COMMON_PASSWORDS)
      expect(complaint(common)).toBe('is one of the most common passwords')
    for (const written of [
      'Password1',
      'PASSWORD123',
      'ｐａｓｓｗｏｒｄ',
      'QwertyUiop',
      '12345678',
      'iLoveYou',
    ])
      expect(complaint(written), written).toBe('is one of the most common passwords')
  })

  it('is the same whether accents were typed in one or in two characters', () => {
    const composed = checkPassword('password', 'caf\u00e9 au lait')
    expect(checkPassword('password', 'cafe\u0301 au lait')).toEqual(composed)
  })

  it('is neither trimmed nor cut', () => {
    const long = ` ${'x'.repeat(900)} `
    expect(checkNewPassword('password', long)).toEqual({ ok: true, value: long })
  })
})

describe('a password to compare', () => {
  it('is refused when it has 1 MB, in a moment', () => {
    const start = performance.now()
    expect(checkPassword('password', 'é'.repeat(1_000_000)).ok).toBe(false)
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  it('may be shorter than a new one, and common', () => {
    expect(checkPassword('password', 'secret').ok).toBe(true)
  })
})
