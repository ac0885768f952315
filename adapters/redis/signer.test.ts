import { describe, expect, it } from 'vitest'
import { Signer } from './signer.js'

const SECRET = 'a secret that all processes have, and nobody else'

describe('a signature', () => {
  const signer = new Signer(SECRET)
  const signature = signer.sign('name', 'ab', 'cd')

  it('holds for what was signed, at every process with the secret, as text and as bytes', () => {
    const there = new Signer(SECRET)
    expect(there.isGenuine(signature, 'name', 'ab', 'cd')).toBe(true)
    expect(there.isGenuine(signature, 'name', 'ab', Buffer.from('cd'))).toBe(true)
    const wide = signer.sign('náme', 'é – 😀')
    expect(there.isGenuine(wide, 'náme', Buffer.from('é – 😀'))).toBe(true)
  })

  it.each([
    ['another name', ['nam', 'ab', 'cd']],
    ['another text', ['name', 'ab', 'ce']],
    ['what is moved from one part to the next', ['name', 'abc', 'd']],
    ['what is moved out of the name', ['namea', 'b', 'cd']],
    ['fewer parts', ['name', 'abcd']],
    ['more parts', ['name', 'ab', 'cd', '']],
  ])('does not hold for %s', (_what, [name = '', ...parts]) => {
    expect(signer.isGenuine(signature, name, ...parts)).toBe(false)
  })

  it('of another secret, cut short, lengthened or none at all does not hold', () => {
    const foreign = new Signer(`${SECRET}!`).sign('name', 'ab', 'cd')
    for (const wrong of [foreign, signature.slice(0, -1), `${signature}A`, ` ${signature}`, ''])
      expect(signer.isGenuine(wrong, 'name', 'ab', 'cd')).toBe(false)
  })

  it('has 128 bits in base64url', () => {
    expect(signature).toMatch(/^[\w-]{22}$/)
    expect(Buffer.from(signature, 'base64url')).toHaveLength(16)
  })

  it('is none without a secret, where everything holds; an empty secret is a mistake', () => {
    const unsigned = new Signer()
    expect(unsigned.sign('name', 'text')).toBe('')
    expect(unsigned.isGenuine('anything', 'name', 'text')).toBe(true)
    expect(() => new Signer('')).toThrow(RangeError)
  })
})
