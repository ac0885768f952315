import fc from 'fast-check'
import { Decoder, type Packet } from 'socket.io-parser'
import { describe, expect, it } from 'vitest'
import { readEvent } from './read-event.js'

/** What Socket.io reads in a message of Engine.IO; null where it takes it for no event in `/`. */
function readBySocketIo(message: string): unknown {
  if (!message.startsWith('4')) return null
  let read: Packet | null = null
  const decoder = new Decoder()
  decoder.on('decoded', (packet: Packet) => {
    read = packet
  })
  try {
    decoder.add(message.slice(1))
  } catch {
    return null
  }
  const { type, nsp, id, data } = read ?? ({} as Packet)
  return type === 2 && nsp === '/' ? { ackId: id ?? null, data } : null
}

const NAMES = ['message:send', 'a', '', 'é', '😀', '7', '/']
const id = fc.constantFrom('', '0', '7', '007', '12', '9007199254740991', '1e3', '-1', '1.5', ' ')
const payload = fc.oneof(
  fc.tuple(fc.constantFrom(...NAMES), fc.jsonValue()).map((data) => JSON.stringify(data)),
  fc.jsonValue().map((data) => JSON.stringify(data)),
  fc.constantFrom('[', '["a"', '["a"]]', '[]', '["a"] ', '\t["a"]', ''),
)
const head = fc.constantFrom('42', '42', '42', '43', '40', '45', '4', '2', '42/,', '42/other,', '451-')
const message = fc.tuple(head, id, payload).map((parts) => parts.join(''))

describe('an event that is read directly', () => {
  it('is what Socket.io reads', () => {
    let events = 0
    fc.assert(
      fc.property(message, (text) => {
        const read = readEvent(text)
        if (read === null) return
        events += 1
        expect(read).toEqual(readBySocketIo(text))
      }),
      { numRuns: 3_000 },
    )
    expect(events).toBeGreaterThan(100)
  })

  it('is each plain one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...NAMES), fc.jsonValue(), (ackId, name, value) => {
        const text = JSON.stringify([name, value])
        expect(readEvent(`42${ackId}${text}`)).toEqual({ ackId, data: JSON.parse(text) })
        expect(readEvent(`42${text}`)).toEqual({ ackId: null, data: JSON.parse(text) })
      }),
    )
  })
})
