import Type, { type Static, type TObject } from 'typebox'
import type { RoomEventType } from '../../../core/domain/room-event.js'
import { Id, listOf, RoleName, Seq, shape, Time } from './fields.js'
import { Member, Message, Reactions, Room } from './shapes.js'

/** What each type of event of a room's log carries. */
export const ROOM_EVENT_DATA = {
  'message.sent': shape({ message: Message }),
  'message.edited': shape({ message: Message }),
  'message.deleted': shape({ messageId: Id }),
  'message.reacted': shape({ messageId: Id, reactions: Reactions }),
  'message.flagged': shape({ messageId: Id, flaggedBy: listOf(Id) }),
  'member.joined': shape({ member: Member }),
  'member.left': shape({ userId: Id }),
  'member.changed': shape({ userId: Id, role: RoleName, displayName: Type.String() }),
  'room.updated': shape({ room: Room }),
} satisfies Record<RoomEventType, TObject>

const event = <T extends RoomEventType>(type: T) =>
  shape({
    seq: Seq,
    type: Type.Literal(type),
    at: Time,
    actorId: Id,
    data: ROOM_EVENT_DATA[type],
  })

export const RoomEvent = Type.Union([
  event('message.sent'),
  event('message.edited'),
  event('message.deleted'),
  event('message.reacted'),
  event('message.flagged'),
  event('member.joined'),
  event('member.left'),
  event('member.changed'),
  event('room.updated'),
])

export type WireRoomEvent = Static<typeof RoomEvent>
