import Type, { type Static } from 'typebox'
import {
  Count,
  Id,
  listOf,
  MediationMode,
  nullable,
  PresenceState,
  RoleName,
  RoomKind,
  Seq,
  shape,
  Time,
} from './fields.js'

export const User = shape({ id: Id, email: Type.String(), displayName: Type.String(), createdAt: Time })

export const Room = shape({
  id: Id,
  name: Type.String(),
  kind: RoomKind,
  mediation: MediationMode,
  sendAnyway: Type.Boolean(),
  optOut: Type.Boolean(),
  headSeq: Seq,
  createdAt: Time,
})

export const Member = shape({
  userId: Id,
  displayName: Type.String(),
  role: RoleName,
  joinedAt: Time,
  readSeq: Seq,
})

export const Reactions = Type.Record(Type.String(), listOf(Id), {
  description: 'user ids by emoji',
})

export const Message = shape({
  id: Id,
  roomId: Id,
  seq: Seq,
  senderId: Id,
  clientMessageId: Type.String(),
  text: Type.String({ description: 'empty in a tombstone' }),
  threadId: nullable(Id),
  threadSeq: nullable(Seq),
  threadBy: nullable(Type.Enum(['member', 'auto'])),
  replyTo: nullable(Id),
  createdAt: Time,
  editedAt: nullable(Time),
  deletedAt: nullable(Time),
  reactions: Reactions,
  flaggedBy: listOf(Id),
  mediation: nullable(shape({ outcome: Type.Enum(['clear', 'rewritten', 'edited', 'sent-anyway']) })),
})

export const MessageVersion = shape({ text: Type.String(), at: Time })

export const Verdict = shape({
  action: Type.Enum(['deliver', 'comment', 'hold']),
  risk: Type.Enum(['none', 'low', 'medium', 'high']),
  patterns: listOf(
    shape({
      id: Type.String(),
      span: listOf(Count),
      note: Type.String(),
    }),
  ),
  explanation: Type.String(),
  tip: Type.String(),
  questions: listOf(Type.String()),
  rewrites: listOf(Type.String()),
  source: Type.Enum(['local', 'model']),
  policyVersion: Type.String(),
})

export const Delivery = shape({
  status: Type.Literal('delivered'),
  message: Message,
  verdict: nullable(Verdict),
})

export const Session = shape({
  id: Id,
  createdAt: Time,
  lastSeenAt: Time,
  userAgent: nullable(Type.String()),
  current: Type.Boolean(),
})

export const Presence = shape({ userId: Id, state: PresenceState, lastSeenAt: nullable(Time) })

export const RoomStanding = shape({ room: Room, role: RoleName, readSeq: Seq, unread: Count })

export type WireUser = Static<typeof User>
export type WireRoom = Static<typeof Room>
export type WireMember = Static<typeof Member>
export type WireMessage = Static<typeof Message>
export type WireVerdict = Static<typeof Verdict>
export type WireDelivery = Static<typeof Delivery>
export type WireSession = Static<typeof Session>
export type WirePresence = Static<typeof Presence>
