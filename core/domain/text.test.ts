import { describe, expect, it } from 'vitest'
import { checkName, checkText, DISPLAY_NAME, isEmoji, MESSAGE_MAX } from './text.js'

const name = (value: string) => {
  const checked = checkName('displayName', value, DISPLAY_NAME)
  return checked.ok ? checked.value : checked.refusal.code
}
const text = (value: string) => checkText('text', value, MESSAGE_MAX).ok

describe('a message text', () => {
  it('is counted in code points, not in code units', () => {
    expect(text('😀'.repeat(MESSAGE_MAX))).toBe(true)
    expect(text('😀'.repeat(MESSAGE_MAX + 1))).toBe(false)
    expect(text('a'.repeat(MESSAGE_MAX + 1))).toBe(false)
  })

  it('refuses NUL, lone surrogates and what is blank (input D8)', () => {
    for (const bad of ['a\0b', '\ud800', 'x\udc00y', '', ' \n\t ']) expect(text(bad)).toBe(false)
  })

  it('is kept to the letter, direction marks and white space included', () => {
    const checked = checkText('text', '  שלום \u202E x\n', MESSAGE_MAX)
    expect(checked).toEqual({ ok: true, value: '  שלום \u202E x\n' })
  })
})

describe('a name', () => {
  it('is normalised to NFC and trimmed (input D8)', () => {
    expect(name('  Zoe\u0308 ')).toBe('Zoë')
  })

  it('refuses bidi overrides, isolates, zero-width and control characters (input D8)', () => {
    for (const code of [
      0x202e, 0x202a, 0x2066, 0x2069, 0x200b, 0xfeff, 0x00ad, 0x2060, 0x0007, 0x000a, 0x2028,
    ])
      expect(name(`No${String.fromCodePoint(code)}ra`), code.toString(16)).toBe('VALIDATION_FAILED')
    expect(name('No\0ra')).toBe('VALIDATION_FAILED')
    expect(name('No\ud83d')).toBe('VALIDATION_FAILED')
  })

  it('allows joiners between letters and within emoji, and nowhere else (input D8)', () => {
    expect(name('می\u200Cخواهم')).toBe('می\u200Cخواهم')
    expect(name('क्\u200Dष')).toBe('क्\u200Dष')
    expect(name('Ana 👩\u200D👧')).toBe('Ana 👩\u200D👧')
    expect(name('Ana 🏳\uFE0F\u200D🌈')).toBe('Ana 🏳\uFE0F\u200D🌈')
    for (const stray of ['\u200DNora', 'Nora\u200D', 'No \u200D ra', '\u200C'])
      expect(name(stray)).toBe('VALIDATION_FAILED')
  })

  it('has its length counted in code points after normalising', () => {
    expect(name('e\u0301'.repeat(60))).toBe('é'.repeat(60))
    expect(name('é'.repeat(61))).toBe('VALIDATION_FAILED')
    expect(name('   ')).toBe('VALIDATION_FAILED')
  })
})

describe('an emoji', () => {
  it('is exactly one, with its modifiers and joined parts', () => {
    for (const emoji of ['👍', '👍🏽', '❤️', '👩‍👧', '🏳️‍🌈', '🇨🇭', '1️⃣'])
      expect(isEmoji(emoji), emoji).toBe(true)
    for (const other of ['', 'a', '1', '👍👍', '👍 ', ':+1:', '<b>', '__proto__', '\ud83d'])
      expect(isEmoji(other), other).toBe(false)
  })
})

describe('patterns', () => {
  it('take hostile input of 50 KB in less than 50 ms each (input D9)', () => {
    const hostile = [
      'a'.repeat(50_000),
      '\u200D'.repeat(50_000),
      'é\u200D'.repeat(25_000),
      `${'👩\u200D'.repeat(12_000)}!`,
    ]
    const checks = [name, isEmoji, (input: string) => checkText('text', input, 50_000)]
    for (const check of checks) {
      for (const input of hostile) {
        // The best of several: a pattern that backtracks is slow each time, a busy machine is not.
        const times = Array.from({ length: 5 }, () => {
          const started = performance.now()
          check(input)
          return performance.now() - started
        })
        expect(Math.min(...times)).toBeLessThan(50)
      }
    }
  })
})
