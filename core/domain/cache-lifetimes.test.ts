import { describe, expect, it } from 'vitest'
import { checkLifetimes, type LifetimesPatch, usableLifetimes } from './cache-lifetimes.js'

const USELESS = [0, 999, 86_400_001, -5_000, 1_500.5, Number.NaN, Number.POSITIVE_INFINITY, '5000', true, {}]

describe('checkLifetimes', () => {
  it.each([1_000, 86_400_000, null])('takes %s', (messagesMs) => {
    expect(checkLifetimes({ messagesMs })).toEqual({ ok: true, value: { messagesMs } })
  })

  it('leaves out what is not given', () => {
    const patch = { sessionMs: undefined, memberMs: 5_000 }
    const checked = checkLifetimes(patch)
    expect(checked.ok && Object.keys(checked.value)).toEqual(['memberMs'])
    expect(checkLifetimes({})).toEqual({ ok: true, value: {} })
  })

  it.each(USELESS)('refuses %s, naming it', (value) => {
    expect(checkLifetimes({ memberMs: 5_000, messagesMs: value } as LifetimesPatch)).toMatchObject({
      refusal: {
        code: 'VALIDATION_FAILED',
        details: [{ path: 'lifetimes.messagesMs', message: 'must be null or 1000 to 86400000 ms' }],
      },
    })
  })

  it.each(['verdictMs', 'messages', '__proto__', 'constructor', 'toString'])(
    'knows no %s (input D4)',
    (name) => {
      const patch = JSON.parse(`{ "${name}": 5000 }`) as LifetimesPatch
      expect(checkLifetimes(patch)).toMatchObject({
        refusal: { details: [{ path: `lifetimes.${name}`, message: 'is not a field of this request' }] },
      })
    },
  )
})

describe('usableLifetimes', () => {
  it('passes over names that it does not know and values out of bounds', () => {
    const stored = { sessionMs: 5_000, verdictMs: 5_000 }
    expect(usableLifetimes(stored)).toEqual({ sessionMs: 5_000 })
    for (const memberMs of [...USELESS, null]) expect(usableLifetimes({ memberMs })).toEqual({})
  })
})
