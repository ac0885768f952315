import { describe, expect, it } from 'vitest'
import { encodeFrame } from '../../../tests/server/hostile/raw-socket.js'
import { textFrame } from './text-frame.js'

describe('a frame of text', () => {
  it.each([
    ['nothing', ''],
    ['the longest with a length of 7 bits', 'a'.repeat(125)],
    ['the shortest with one of 16', 'a'.repeat(126)],
    ['that by characters of several bytes', '€'.repeat(42)],
    ['the longest that is small', '€'.repeat(1_364)],
    ['one character more', '€'.repeat(1_365)],
    ['the longest with a length of 16 bits', 'a'.repeat(65_535)],
    ['the shortest with one of 64', 'a'.repeat(65_536)],
    ['a lone surrogate', `${'a'.repeat(130)}\ud800`],
  ])('is one, and stays as it is: %s', (_what, text) => {
    const frame = textFrame(text)
    textFrame('z'.repeat(20_000))
    const expected = encodeFrame({ payload: Buffer.from(text), masked: false })
    expect(frame.equals(expected)).toBe(true)
  })
})
