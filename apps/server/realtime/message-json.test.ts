import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { WireMessage } from '../contract/shapes.js'
import { isoTime, wireDelivery, wireMessage, wireRoomEvent } from '../contract/to-wire.js'
import { answerJson, eventJson } from './message-json.js'

const id = fc.uuid()
const ids = fc.array(id, { maxLength: 3 })
const seq = fc.nat()
const time = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
  .map((at) => at.toISOString())
/** Any UTF-16, lone surrogates and control characters among it. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('"', '\\', '\u0000', '\ud800', 'é\u2028😀'),
)

const UNTOUCHED = {
  threadId: null,
  threadSeq: null,
  threadBy: null,
  replyTo: null,
  editedAt: null,
  deletedAt: null,
  reactions: {},
  flaggedBy: [],
  mediation: null,
} satisfies Partial<WireMessage>

/** Each field of the contract: one more of them does not compile here. */
const message: fc.Arbitrary<WireMessage> = fc.record<{ [K in keyof WireMessage]-?: WireMessage[K] }>({
  id,
  roomId: id,
  seq,
  senderId: id,
  clientMessageId: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  text,
  threadId: fc.option(id),
  threadSeq: fc.option(seq),
  threadBy: fc.constantFrom('member', 'auto', null),
  replyTo: fc.option(id),
  createdAt: time,
  editedAt: fc.option(time),
  deletedAt: fc.option(time),
  reactions: fc.dictionary(text, ids, { maxKeys: 2 }),
  flaggedBy: ids,
  mediation: fc.option(
    fc.record({ outcome: fc.constantFrom('clear', 'rewritten', 'edited', 'sent-anyway') }),
  ),
})

/** As it is sent, or with any one of the fields that only later changes or threads fill. */
const barelyTouched: fc.Arbitrary<WireMessage> = fc
  .tuple(message, message, fc.constantFrom(...Object.keys(UNTOUCHED)))
  .map(([sent, other, field]) => ({
    ...sent,
    ...UNTOUCHED,
    ...Object.fromEntries(Object.entries(other).filter(([name]) => name === field)),
  }))

const anyMessage = fc.oneof(message, barelyTouched)

/** With the fields in the order in which the server makes them. */
const asMade = (made: WireMessage): WireMessage => ({ ...FIELDS, ...made })
const FIELDS = wireMessage({
  id: 'id',
  roomId: 'room',
  seq: 1,
  senderId: 'sender',
  clientMessageId: 'client',
  text: '',
  threadId: null,
  threadSeq: null,
  threadBy: null,
  replyTo: null,
  createdAtMs: 0,
  editedAtMs: null,
  deletedAtMs: null,
  reactions: {},
  flaggedBy: [],
  mediation: null,
})

describe('the JSON of what goes out', () => {
  it('is that of JSON.stringify for messages sent, and for other events among them', () => {
    const event = fc.oneof(
      fc.record({
        seq,
        at: time,
        actorId: id,
        type: fc.constant('message.sent' as const),
        data: fc.record({ message: anyMessage.map(asMade) }),
      }),
      fc.record({
        seq,
        at: time,
        actorId: id,
        type: fc.constant('message.deleted' as const),
        data: fc.record({ messageId: id }),
      }),
    )
    fc.assert(
      fc.property(id, fc.array(event, { maxLength: 4 }), (roomId, events) => {
        const payload = { roomId, events }
        assert.equal(eventJson('room:events', payload), JSON.stringify(['room:events', payload]))
      }),
    )
  })

  it('is that of JSON.stringify for deliveries, and for all other answers', () => {
    const verdict = fc.constantFrom(null, { action: 'comment', explanation: 'said "so"' })
    const data = fc.oneof(
      fc.record({ status: fc.constant('delivered'), message: anyMessage.map(asMade), verdict }),
      fc.record({ message: anyMessage.map(asMade) }),
      fc.constantFrom(null, undefined, [], 'delivered', { status: 'held' }),
    )
    const answer = fc.oneof(
      fc.record({ ok: fc.constant(true), data }),
      fc.record({ ok: fc.constant(false), error: fc.record({ code: text }) }),
    )
    fc.assert(fc.property(answer, (each) => assert.equal(answerJson(each), JSON.stringify([each]))))
  })

  it('is that of JSON.stringify for what the server makes of its own messages', () => {
    const domain = {
      id: 'a',
      roomId: 'b',
      seq: 7,
      senderId: 'c',
      clientMessageId: 'd',
      text: 'It’s "fine"',
      threadId: null,
      threadSeq: null,
      threadBy: null,
      replyTo: null,
      createdAtMs: 5,
      editedAtMs: null,
      deletedAtMs: null,
      reactions: {},
      flaggedBy: [],
      mediation: { outcome: 'clear' as const },
    }
    const event = wireRoomEvent({
      type: 'message.sent',
      seq: 7,
      atMs: 5,
      actorId: 'c',
      data: { message: domain },
    })
    const payload = { roomId: 'b', events: [event] }
    assert.equal(eventJson('room:events', payload), JSON.stringify(['room:events', payload]))
    const answer = { ok: true, data: wireDelivery({ message: domain, verdict: null }) }
    assert.equal(answerJson(answer), JSON.stringify([answer]))
    assert.match(answerJson(answer), new RegExp(isoTime(5)))
    assert.equal(
      eventJson('receipt', { roomId: 'b', userId: 'c', readSeq: 1 }),
      '["receipt",{"roomId":"b","userId":"c","readSeq":1}]',
    )
  })
})
