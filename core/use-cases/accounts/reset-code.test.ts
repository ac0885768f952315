import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { resetCode, typedCode } from './reset-code.js'

const newCode = (): string => resetCode(randomBytes(32).toString('base64url'))

describe('a reset code', () => {
  it('has 28 symbols of 32 in groups of four, so 140 bits', () => {
    const symbols = new Set<string>()
    for (let made = 0; made < 500; made += 1) {
      const code = newCode()
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/)
      for (const symbol of code.replaceAll('-', '')) symbols.add(symbol)
    }
    expect(symbols.size).toBe(32)
  })

  it('is never the same twice', () => {
    expect(new Set(Array.from({ length: 1_000 }, newCode)).size).toBe(1_000)
  })

  it('may be typed in small letters, with blanks, without dashes, and with letters for the digits they look like', () => {
    const code = '0123-4567-89AB-CDEF-GHJK-MNPQ-10ST'
    for (const typed of [
      code.toLowerCase(),
      ` ${code.replaceAll('-', ' ')} `,
      code.replaceAll('-', ''),
      code.replaceAll('0', 'O').replaceAll('1', 'l'),
      code.replaceAll('0', 'o').replaceAll('1', 'I'),
    ])
      expect(typedCode(typed), typed).toBe(typedCode(code))
  })

  it('stays another code when another symbol was typed', () => {
    expect(typedCode('0123-4567')).not.toBe(typedCode('0123-4568'))
  })
})
