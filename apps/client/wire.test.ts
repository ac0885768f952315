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
  Delivery,
  Member,
  Message,
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

/** Every call of the client, so that a new one does not compile until it stands here. */
const CALLS: Record<SocketCall, true> = {
  'room:join': true,
  'room:leave': true,
  'room:sync': true,
  'message:send': true,
  'message:edit': true,
  'message:delete': true,
  'message:react': true,
  'message:flag': true,
  'message:read': true,
  'message:list': true,
  'message:around': true,
  'message:search': true,
  'typing:set': true,
  'presence:set': true,
  'auth:renew': true,
}

const sorted = (names: Iterable<string>) => [...names].sort()

describe('the wire types of the client', () => {
  it('have the shapes of the server', () => {
    // One that differs does not compile.
    expect(new Set([...Object.values(SHAPES), ...Object.values(PUSHES)])).toEqual(new Set([true]))
  })

  it('know every event of the server, and no other', () => {
    const events = OPERATIONS.flatMap(({ event }) => event ?? [])
    expect(sorted(Object.keys(CALLS))).toEqual(sorted(events))
    expect(sorted(Object.keys(PUSHES))).toEqual(sorted(Object.keys(SERVER_EVENTS)))
    expect(sorted(Object.keys(EVENT_DATA))).toEqual(sorted(Object.keys(ROOM_EVENT_DATA)))
  })
})
