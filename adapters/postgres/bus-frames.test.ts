import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frame, type Outgoing, PAYLOAD_MAX_BYTES, pack, unpack } from './bus-frames.js'
import { BusReassembly } from './bus-reassembly.js'

const ORIGIN = 'a77f2a1e-3a9c-4d55-8b6c-0c7d5a1f0e11'

const TEXT = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', 'é', '漢', '👩', '"', ';', ',', '1'),
    minLength: 2_000,
    maxLength: 9_000,
  }),
)
const MESSAGES = fc
  .array(fc.record({ topic: fc.string({ unit: 'binary', maxLength: 10 }), text: TEXT }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((messages) => messages.map((message, id): Outgoing => ({ id, ...message })))

const framesOf = (payloads: readonly string[]): readonly Frame[] =>
  payloads.flatMap((payload) => unpack(payload)?.frames ?? [])

function reassemble(frames: readonly Frame[]) {
  const reassembly = new BusReassembly()
  const messages = frames.flatMap((frame) => reassembly.accept(ORIGIN, frame) ?? [])
  return { messages, unfinished: reassembly.size }
}

/** What arrives of a text that UTF-8 cannot carry. */
const wellFormed = (text: string) => text.toWellFormed()

describe('notifications of the bus', () => {
  it('carry any messages in order, in payloads that Postgres takes', () => {
    fc.assert(
      fc.property(MESSAGES, (messages) => {
        const payloads = pack(ORIGIN, messages)
        for (const payload of payloads)
          expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(PAYLOAD_MAX_BYTES)
        const { messages: received, unfinished } = reassemble(framesOf(payloads))
        expect(unfinished).toBe(0)
        expect(received.map(({ topic, text }) => [wellFormed(topic), wellFormed(text)])).toEqual(
          messages.map(({ topic, text }) => [wellFormed(topic), wellFormed(text)]),
        )
      }),
    )
  })

  it('hold many small messages each', () => {
    const messages = Array.from({ length: 100 }, (_, id) => ({ id, topic: 'room', text: `{"seq":${id}}` }))
    expect(pack(ORIGIN, messages)).toHaveLength(1)
  })

  it('are full up to the last bytes when a message is split', () => {
    const payloads = pack(ORIGIN, [{ id: 0, topic: 'topic', text: 'x'.repeat(64_000) }])
    expect(payloads).toHaveLength(9)
    for (const payload of payloads.slice(0, -1)) expect(Buffer.byteLength(payload)).toBeGreaterThan(7_950)
  })

  it('that nobody here wrote are ignored, whatever they hold', () => {
    for (const garbage of [
      '',
      ';',
      'x',
      'x;y',
      'x;1,2,3',
      'x;1,0,1,0,5;abc',
      'x;1,1,1,0,0;',
      'x;1,0,1,0,9999999;',
      '{}',
    ])
      expect(unpack(garbage)?.frames ?? []).toEqual([])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (garbage) => {
        unpack(garbage)
      }),
    )
  })

  it('of which some are lost yield whole messages only, and keep at most one unfinished', () => {
    fc.assert(
      fc.property(MESSAGES, fc.infiniteStream(fc.boolean()), (messages, isLost) => {
        const frames = framesOf(pack(ORIGIN, messages)).filter(() => !isLost.next().value)
        const { messages: received, unfinished } = reassemble(frames)
        const sent = messages.map(({ topic, text }) => wellFormed(topic + text))
        let from = 0
        for (const { topic, text } of received) {
          const index = sent.indexOf(wellFormed(topic + text), from)
          expect(index).toBeGreaterThanOrEqual(from)
          from = index + 1
        }
        expect(unfinished).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('of many origins that never finish take a bounded amount of memory', () => {
    const reassembly = new BusReassembly()
    for (let origin = 0; origin < 1_000; origin += 1)
      reassembly.accept(`origin ${origin}`, { id: 0, part: 0, parts: 9, topicLength: 0, chunk: 'x' })
    expect(reassembly.size).toBeLessThanOrEqual(64)
    for (let part = 0; part < 1_000; part += 1)
      reassembly.accept('endless', { id: 0, part, parts: 9_999, topicLength: 0, chunk: 'x'.repeat(7_000) })
    expect(
      reassembly.accept('endless', { id: 0, part: 1_000, parts: 1_001, topicLength: 0, chunk: '' }),
    ).toBeNull()
  })
})
