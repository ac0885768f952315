import { describe, expect, it } from 'vitest'
import { jsonOnlyParser } from './json-parser.js'

const decode = (...packets: unknown[]) => {
  const decoder = new (jsonOnlyParser(1).Decoder)()
  const decoded: unknown[] = []
  decoder.on('decoded', (packet) => decoded.push(packet))
  for (const packet of packets) decoder.add(packet)
  return decoded
}

describe('jsonOnlyParser', () => {
  it('reads and writes events and acks as Socket.io does', () => {
    const [packet] = decode('217["message:send",{"text":"a"}]')
    expect(packet).toMatchObject({ type: 2, nsp: '/', id: 17, data: ['message:send', { text: 'a' }] })
    const encoder = new (jsonOnlyParser(1).Encoder)()
    expect(encoder.encode({ type: 2, nsp: '/', data: ['typing', { typing: true }] })).toEqual([
      '2["typing",{"typing":true}]',
    ])
    expect(encoder.encode({ type: 3, nsp: '/', id: 0, data: [{ ok: true }] })).toEqual(['30[{"ok":true}]'])
    expect(encoder.encode({ type: 4, nsp: '/other', data: { message: 'no' } })).toEqual([
      '4/other,{"message":"no"}',
    ])
  })

  it.each([
    ['an announced attachment', '51-["message:send",{"_placeholder":true,"num":0}]'],
    ['an announced ack attachment', '61-1[{"_placeholder":true,"num":0}]'],
    ['raw bytes', Buffer.from('2["a"]')],
    ['an object', { base64: true, data: '' }],
    ['an unknown type', '9["a"]'],
  ])('refuses %s (input D6)', (_kind, packet) => {
    expect(() => decode(packet)).toThrow()
  })

  it.each([
    '2["disconnect"]',
    '2["newListener",1]',
    '2["connect_error"]',
    '2[{"a":1}]',
    '2{"a":1}',
    '2[',
    '2[null]',
  ])('passes over %s and goes on (input D5)', (packet) => {
    expect(decode(packet, '2["room:join"]')).toHaveLength(1)
  })

  it('leaves a placeholder that is not announced as the plain object it is (input D6)', () => {
    expect(decode('2["a",{"_placeholder":true,"num":0}]')).toMatchObject([
      { data: ['a', { _placeholder: true, num: 0 }] },
    ])
  })

  it('refuses a flood of packets, whatever is in them', () => {
    expect(() => decode(...Array.from({ length: 10_000 }, () => '2["a"]'))).toThrow('too many')
  })
})
