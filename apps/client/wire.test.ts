import type { Static } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { WireError as ServerError } from '../server/contract/errors.js'
import { OPERATIONS } from '../server/contract/operations/index.js'
import { ROOM_EVENT_DATA, type WireRoomEvent } from '../server/contract/room-events.js'
import { SERVER_EVENTS, type ServerEventPayload } from '../server/contract/server-events.js'
import type {
  WireDelivery,
  WireMember,
  WireMessage,
  WirePresence,
  WireRoom,
  WireSession,
  WireUser,
} from '../server/contract/shapes.js'
import type {
  Answer,
  Delivery,
  Member,
  Message,
  Payload,
  Presence,
  Pushes,
  PushName,
  Room,
  RoomEvent,
  RoomEventData,
  Session,
  SocketCall,
  User,
  WireError,
} from './wire.js'

/** Each can stand for the other. A difference does not compile, which is where these are checked. */
type Same<A, B> = [A, B] extends [B, A] ? true : false
type SameEach<A, B> = { [K in keyof A | keyof B]: K extends keyof A & keyof B ? Same<A[K], B[K]> : false }

const SHAPES = {
  user: true,
  room: true,
  member: true,
  presence: true,
  message: true,
  delivery: true,
  session: true,
  roomEvent: true,
  error: true,
} satisfies {
  user: Same<User, WireUser>
  room: Same<Room, WireRoom>
  member: Same<Member, WireMember>
  presence: Same<Presence, WirePresence>
  message: Same<Message, WireMessage>
  delivery: Same<Delivery, WireDelivery>
  session: Same<Session, WireSession>
  roomEvent: Same<RoomEvent, WireRoomEvent>
  error: Same<WireError, ServerError>
}
const EVENT_DATA = {
  'message.sent': true,
  'message.edited': true,
  'message.deleted': true,
  'message.reacted': true,
  'message.flagged': true,
  'member.joined': true,
  'member.left': true,
  'member.changed': true,
  'room.updated': true,
} satisfies SameEach<
  RoomEventData,
  { [T in keyof typeof ROOM_EVENT_DATA]: Static<(typeof ROOM_EVENT_DATA)[T]> }
>
const PUSHES = {
  'room:events': true,
  'room:changed': true,
  receipt: true,
  presence: true,
  typing: true,
  'session:ended': true,
} satisfies SameEach<Pushes, { [N in PushName]: ServerEventPayload<N> }>

const id = '019b76da-aba7-7000-b399-6faca26c1dee'
/** Every call with every field, optional ones included: a field more or less does not compile. */
const PAYLOADS: { [C in SocketCall]: Required<Payload<C>> } = {
  'room:join': { roomId: id, since: 1 },
  'room:leave': { roomId: id },
  'room:sync': { roomId: id, since: 1, limit: 5, minSeq: 1 },
  'message:send': { roomId: id, clientMessageId: 'c', text: 't', threadId: id, replyTo: id },
  'message:edit': { messageId: id, text: 't' },
  'message:delete': { messageId: id },
  'message:react': { messageId: id, emoji: '👍', on: true },
  'message:flag': { messageId: id, on: true, reason: 'r' },
  'message:read': { roomId: id, seq: 1 },
  'message:list': { roomId: id, before: 1, after: 1, limit: 5, threadId: id, minSeq: 1 },
  'message:around': { messageId: id, limit: 5, minSeq: 1 },
  'message:search': { roomId: id, q: 'q', cursor: 'c', limit: 5, minSeq: 1 },
  'typing:set': { roomId: id, typing: true },
  'presence:set': { state: 'away' },
  'auth:renew': { token: 't' },
}
/** The fields that may be left out. */
type OptionalKeys<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? K : never }[keyof T]
const OPTIONAL: { [C in SocketCall]: Record<OptionalKeys<Payload<C>>, true> } = {
  'room:join': { since: true },
  'room:leave': {},
  'room:sync': { limit: true, minSeq: true },
  'message:send': { threadId: true, replyTo: true },
  'message:edit': {},
  'message:delete': {},
  'message:react': {},
  'message:flag': { reason: true },
  'message:read': {},
  'message:list': { before: true, after: true, limit: true, threadId: true, minSeq: true },
  'message:around': { limit: true, minSeq: true },
  'message:search': { cursor: true, limit: true, minSeq: true },
  'typing:set': {},
  'presence:set': {},
  'auth:renew': {},
}
const ANSWERS: { [C in SocketCall]: Record<keyof Answer<C>, true> } = {
  'room:join': {
    room: true,
    role: true,
    members: true,
    presence: true,
    headSeq: true,
    events: true,
    snapshot: true,
  },
  'room:leave': {},
  'room:sync': { events: true, headSeq: true, hasMore: true },
  'message:send': { status: true, message: true, verdict: true },
  'message:edit': { status: true, message: true, verdict: true },
  'message:delete': { message: true },
  'message:react': { message: true },
  'message:flag': { message: true },
  'message:read': {},
  'message:list': { messages: true, hasMore: true, headSeq: true },
  'message:around': { messages: true, targetMessageId: true, headSeq: true },
  'message:search': { messages: true, nextCursor: true, headSeq: true },
  'typing:set': {},
  'presence:set': {},
  'auth:renew': { expiresInS: true },
}

const sorted = (names: Iterable<string>) => [...names].sort()

describe('the wire types of the client', () => {
  it('have the shapes of the server', () => {
    // One that differs does not compile.
    expect(new Set([...Object.values(SHAPES), ...Object.values(PUSHES)])).toEqual(new Set([true]))
  })

  it('know every event of the server, and no other', () => {
    const events = OPERATIONS.flatMap(({ event }) => event ?? [])
    expect(sorted(Object.keys(PAYLOADS))).toEqual(sorted(events))
    expect(sorted(Object.keys(PUSHES))).toEqual(sorted(Object.keys(SERVER_EVENTS)))
    expect(sorted(Object.keys(EVENT_DATA))).toEqual(sorted(Object.keys(ROOM_EVENT_DATA)))
  })

  it.each(Object.keys(PAYLOADS) as SocketCall[])(
    'ask %s for what the server takes, and know what it answers',
    (call) => {
      const operation = OPERATIONS.find(({ event }) => event === call)
      if (operation === undefined) throw new Error('checked above')
      const { input, output } = operation
      expect(operation.validate(PAYLOADS[call])).toMatchObject({ ok: true })
      expect(sorted(Object.keys(PAYLOADS[call]))).toEqual(sorted(Object.keys(input.properties)))
      const required = (input.required ?? []) as readonly string[]
      const optional = Object.keys(input.properties).filter((name) => !required.includes(name))
      expect(sorted(Object.keys(OPTIONAL[call]))).toEqual(sorted(optional))
      const { properties } = output as unknown as { properties: object }
      expect(sorted(Object.keys(ANSWERS[call]))).toEqual(sorted(Object.keys(properties)))
    },
  )
})
