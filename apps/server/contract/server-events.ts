import Type, { type Static } from 'typebox'
import { LOGIN_END_REASONS } from '../../../core/domain/account.js'
import { Count, Id, listOf, nullable, optional, PresenceState, RoleName, Seq, shape, Time } from './fields.js'
import { RoomEvent } from './room-events.js'

export const SESSION_END_REASONS = [...LOGIN_END_REASONS, 'draining', 'too-slow'] as const

/** What the server sends unasked, by event name. */
export const SERVER_EVENTS = {
  'room:events': shape({ roomId: Id, events: listOf(RoomEvent) }),
  'room:changed': shape({
    roomId: Id,
    role: nullable(RoleName),
    headSeq: Seq,
    readSeq: Seq,
    unread: Count,
  }),
  receipt: shape({ roomId: Id, userId: Id, readSeq: Seq }),
  presence: shape({ roomId: Id, userId: Id, state: PresenceState, at: Time }),
  typing: shape({ roomId: Id, userId: Id, typing: Type.Boolean(), expiresInMs: Count }),
  'session:ended': shape({
    reason: Type.Enum([...SESSION_END_REASONS]),
    retryAfterMs: optional(Count),
  }),
}

export type ServerEventName = keyof typeof SERVER_EVENTS
export type ServerEventPayload<N extends ServerEventName> = Static<(typeof SERVER_EVENTS)[N]>
export type SessionEnd = ServerEventPayload<'session:ended'>
