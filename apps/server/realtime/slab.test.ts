import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Slab } from './slab.js'

const SMALL_BYTES = 4_096

describe('a slab', () => {
  it('keeps what was written and joined, whatever comes after it', () => {
    const text = fc.string({ unit: 'binary', minLength: 200, maxLength: 400, size: 'max' })
    const before = fc.integer({ min: 0, max: 20 })
    const writes = fc.array(fc.tuple(text, before), {
      minLength: 60,
      maxLength: 80,
      size: 'max',
    })
    fc.assert(
      fc.property(writes, (each) => {
        const slab = new Slab()
        const written = each.map(([what, room]) => slab.write(what, room).fill('h', 0, room))
        const expected = each.map(([what, room]) => `${'h'.repeat(room)}${Buffer.from(what)}`)
        const pairs = written.map((buffer) => slab.join([buffer, buffer], 2 * buffer.length))
        expect(written.map(String)).toEqual(expected)
        expect(pairs.map(String)).toEqual(expected.map((what) => what.repeat(2)))
      }),
      { numRuns: 5 },
    )
  })

  it('takes what is small with the widest characters, and nothing longer', () => {
    const most = Math.floor((SMALL_BYTES - 4) / 3)
    const slab = new Slab()
    for (let n = 0; n < 10; n += 1)
      expect(String(slab.write('€'.repeat(most), 4).subarray(4))).toBe('€'.repeat(most))
    expect(Slab.fits('€'.repeat(most), 4)).toBe(true)
    expect(Slab.fits('a'.repeat(most + 1), 4)).toBe(false)
  })

  it('gives what is large a buffer of its own', () => {
    const large = Buffer.alloc(SMALL_BYTES, 'l')
    const joined = new Slab().join([Buffer.from('a'), large], SMALL_BYTES + 1)
    expect(String(joined)).toBe(`a${large}`)
    expect(joined.buffer.byteLength).toBe(joined.length)
  })
})
