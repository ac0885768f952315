import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Slab } from './slab.js'

const SLAB_BYTES = 65_536

describe('a slab', () => {
  it('keeps what was written and joined, whatever comes after it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 9_000 })
    const before = fc.integer({ min: 0, max: 20 })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, before), { minLength: 1, maxLength: 20 }), (writes) => {
        const slab = new Slab()
        const written = writes.map(([each, room]) => slab.write(each, room).fill('h', 0, room))
        const expected = writes.map(([each, room]) => `${'h'.repeat(room)}${Buffer.from(each)}`)
        const length = written.reduce((sum, buffer) => sum + buffer.length, 0)
        const joined = slab.join(written, length)
        slab.write('x'.repeat(5_000), 0)
        expect(written.map(String)).toEqual(expected)
        expect(String(joined)).toBe(expected.join(''))
      }),
    )
  })

  it('takes a text that fills it with its widest characters, and no longer one', () => {
    const most = Math.floor((SLAB_BYTES - 4) / 3)
    const slab = new Slab()
    expect(Slab.fits('€'.repeat(most), 4)).toBe(true)
    expect(String(slab.write('€'.repeat(most), 4).subarray(4))).toBe('€'.repeat(most))
    expect(Slab.fits('a'.repeat(most + 1), 4)).toBe(false)
  })

  it('joins what is larger than itself', () => {
    const large = Buffer.alloc(SLAB_BYTES, 'l')
    expect(String(new Slab().join([Buffer.from('a'), large], SLAB_BYTES + 1))).toBe(`a${large}`)
  })
})
