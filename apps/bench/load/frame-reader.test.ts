import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from './frame-reader.js'

function frame(payload: Buffer): Buffer {
  const { length } = payload
  const header =
    length < 126
      ? Buffer.from([0x81, length])
      : length < 65_536
        ? Buffer.from([0x81, 126, length >> 8, length & 0xff])
        : Buffer.from([
            0x81,
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ])
  return Buffer.concat([header, payload])
}

function readIn(chunks: readonly Buffer[]): string[] {
  const read: string[] = []
  const reader = new FrameReader((_opcode, data, start, end) =>
    read.push(data.toString('latin1', start, end)),
  )
  // One buffer for all reads, as the sockets have it.
  const shared = Buffer.alloc(Math.max(1, ...chunks.map(({ length }) => length)))
  for (const chunk of chunks) {
    chunk.copy(shared)
    reader.push(shared.subarray(0, chunk.length))
  }
  return read
}

describe('FrameReader', () => {
  it('reads the same frames however the bytes arrive', () => {
    const payloads = fc.array(fc.oneof(fc.nat(300), fc.nat(70_000)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(payloads, fc.infiniteStream(fc.integer({ min: 1, max: 20_000 })), (lengths, cuts) => {
        const texts = lengths.map((length, index) => String.fromCharCode(97 + index).repeat(length))
        const bytes = Buffer.concat(texts.map((text) => frame(Buffer.from(text, 'latin1'))))
        const chunks: Buffer[] = []
        for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0)
          chunks.push(bytes.subarray(at, at + (cuts.next().value ?? 1)))
        expect(readIn(chunks)).toEqual(texts)
      }),
      { numRuns: 60 },
    )
  })

  it('refuses a fragmented frame', () => {
    expect(() => readIn([Buffer.from([0x01, 1, 97])])).toThrow('fragmented')
  })
})
