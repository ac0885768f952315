import Type from 'typebox'
import { ok } from '../../../../core/domain/result.js'
import { ROOM_NAME } from '../../../../core/domain/text.js'
import {
  ClientId,
  Cursor,
  EventsLimit,
  Id,
  Limit,
  listOf,
  MediationMode,
  MinSeq,
  nameOf,
  nullable,
  optional,
  RoleName,
  RoomKind,
  Seq,
  shape,
  strict,
} from '../fields.js'
import { forSockets, forUsers } from '../operation.js'
import { RoomEvent } from '../room-events.js'
import { Member, Message, Presence, Room, RoomStanding } from '../shapes.js'
import { wireMember, wireMessages, wirePresence, wireRoom, wireRoomEvents } from '../to-wire.js'

const settings = {
  mediation: optional(MediationMode),
  sendAnyway: optional(Type.Boolean()),
  optOut: optional(Type.Boolean()),
}

export const roomOperations = [
  forUsers({
    id: 'createRoom',
    summary: 'Open a room; the caller owns it.',
    http: { method: 'POST', path: '/rooms', status: 201 },
    input: strict({
      name: nameOf(ROOM_NAME.max),
      kind: optional(RoomKind),
      ...settings,
      clientId: optional(ClientId),
    }),
    output: shape({ room: Room }),
    async run({ parley, actor }, input) {
      const result = await parley.createRoom.execute(actor, input)
      return result.ok ? ok({ room: wireRoom(result.value) }) : result
    },
  }),
  forUsers({
    id: 'listRooms',
    summary: 'The rooms of the caller, newest first.',
    http: { method: 'GET', path: '/rooms', status: 200 },
    input: strict({ cursor: optional(Cursor), limit: optional(Limit) }),
    output: shape({ rooms: listOf(RoomStanding), nextCursor: nullable(Type.String()) }),
    async run({ parley, actor }, input) {
      const result = await parley.listRooms.execute(actor, input)
      if (!result.ok) return result
      const { rooms, nextCursor } = result.value
      return ok({ rooms: rooms.map((entry) => ({ ...entry, room: wireRoom(entry.room) })), nextCursor })
    },
  }),
  forUsers({
    id: 'getRoom',
    summary: 'One room.',
    http: { method: 'GET', path: '/rooms/:roomId', status: 200 },
    input: strict({ roomId: Id, minSeq: optional(MinSeq) }),
    output: shape({ room: Room, headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.getRoom.execute(actor, input)
      if (!result.ok) return result
      return ok({ room: wireRoom(result.value.room), headSeq: result.value.headSeq })
    },
  }),
  forUsers({
    id: 'updateRoom',
    summary: 'Change the name or the settings of a room.',
    http: { method: 'PATCH', path: '/rooms/:roomId', status: 200 },
    input: strict({ roomId: Id, name: optional(nameOf(ROOM_NAME.max)), ...settings }),
    output: shape({ room: Room }),
    async run({ parley, actor }, input) {
      const result = await parley.updateRoom.execute(actor, input)
      return result.ok ? ok({ room: wireRoom(result.value) }) : result
    },
  }),
  forUsers({
    id: 'listEvents',
    summary: "The room's log after a seq: how a client closes a gap.",
    http: { method: 'GET', path: '/rooms/:roomId/events', status: 200 },
    event: 'room:sync',
    input: strict({ roomId: Id, since: Seq, limit: optional(EventsLimit), minSeq: optional(MinSeq) }),
    output: shape({ events: listOf(RoomEvent), headSeq: Seq, hasMore: Type.Boolean() }),
    async run({ parley, actor }, input) {
      const result = await parley.syncRoom.execute(actor, input)
      if (!result.ok) return result
      const { events, headSeq, hasMore } = result.value
      return ok({ events: wireRoomEvents(events), headSeq, hasMore })
    },
  }),
  forSockets({
    id: 'joinRoom',
    summary: 'Get what was missed, and everything that follows, over this socket.',
    event: 'room:join',
    input: strict({ roomId: Id, since: optional(Seq) }),
    output: shape({
      room: Room,
      role: RoleName,
      members: listOf(Member),
      presence: listOf(Presence),
      headSeq: Seq,
      events: nullable(listOf(RoomEvent)),
      snapshot: nullable(shape({ messages: listOf(Message), threads: listOf(Type.Unknown()) })),
    }),
    async run({ parley, actor, connection }, input) {
      const result = await connection.enter(input.roomId, (enter) =>
        parley.joinRoom.execute(actor, input, enter),
      )
      if (!result.ok) return result
      const { room, role, members, presence, headSeq, events, snapshot } = result.value
      return ok({
        room: wireRoom(room),
        role,
        members: members.map(wireMember),
        presence: presence.map(wirePresence),
        headSeq,
        events: events === null ? null : wireRoomEvents(events),
        snapshot: snapshot === null ? null : { messages: wireMessages(snapshot.messages), threads: [] },
      })
    },
  }),
  forSockets({
    id: 'leaveRoom',
    summary: 'Get no more events of a room over this socket.',
    event: 'room:leave',
    input: strict({ roomId: Id }),
    output: shape({}),
    async run({ connection }, { roomId }) {
      await connection.leave(roomId)
      return ok({})
    },
  }),
  forUsers({
    id: 'markRead',
    summary: "Move the caller's read marker forward.",
    http: { method: 'PUT', path: '/rooms/:roomId/read', status: 204 },
    event: 'message:read',
    input: strict({ roomId: Id, seq: Seq }),
    output: shape({}),
    async run({ parley, actor }, input) {
      const result = await parley.markRead.execute(actor, input)
      return result.ok ? ok({}) : result
    },
  }),
]
