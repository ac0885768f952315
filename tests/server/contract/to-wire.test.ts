import Type, { type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { describe, expect, it } from 'vitest'
import { RoomEvent as RoomEventSchema } from '../../../apps/server/contract/room-events.js'
import { Delivery, Presence, Session, User } from '../../../apps/server/contract/shapes.js'
import {
  wireDelivery,
  wirePresence,
  wireRoomEvent,
  wireSession,
  wireUser,
} from '../../../apps/server/contract/to-wire.js'
import type { Message } from '../../../core/domain/message.js'
import type { Member, Room } from '../../../core/domain/room.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'

const id = (n: number) => `0198c0de-0000-7000-8000-${String(n).padStart(12, '0')}`
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

const message: Message = {
  id: id(1),
  roomId: id(2),
  seq: 7,
  senderId: id(3),
  clientMessageId: 'c',
  text: 'Good morning',
  threadId: null,
  threadSeq: null,
  threadBy: null,
  replyTo: null,
  createdAtMs: AT,
  editedAtMs: null,
  deletedAtMs: AT + 1,
  reactions: { '👍': [id(3)] },
  flaggedBy: [id(4)],
  mediation: { outcome: 'clear' },
}
const member: Member = { userId: id(3), displayName: 'Ann', role: 'owner', joinedAtMs: AT, readSeq: 0 }
const room: Room = {
  id: id(2),
  name: 'Us',
  kind: 'group',
  mediation: 'hold',
  sendAnyway: true,
  optOut: false,
  headSeq: 7,
  createdAtMs: AT,
}
const stamp = { seq: 8, atMs: AT, actorId: id(3) }
const EVENTS: readonly RoomEvent[] = [
  { ...stamp, type: 'message.sent', data: { message } },
  { ...stamp, type: 'message.edited', data: { message } },
  { ...stamp, type: 'message.deleted', data: { messageId: id(1) } },
  { ...stamp, type: 'message.reacted', data: { messageId: id(1), reactions: message.reactions } },
  { ...stamp, type: 'message.flagged', data: { messageId: id(1), flaggedBy: [id(4)] } },
  { ...stamp, type: 'member.joined', data: { member } },
  { ...stamp, type: 'member.left', data: { userId: id(3) } },
  { ...stamp, type: 'member.changed', data: { userId: id(3), role: 'member', displayName: 'Ann' } },
  { ...stamp, type: 'room.updated', data: { room } },
]

/** As it leaves the server: what JSON drops must not have been there. */
const errorsOf = (schema: TSchema, value: unknown) => [
  ...Compile(schema).Errors(JSON.parse(JSON.stringify(value))),
]

describe('what the server sends', () => {
  it.each(EVENTS.map((event) => [event.type, event] as const))('%s matches its schema', (_type, event) => {
    expect(errorsOf(RoomEventSchema, wireRoomEvent(event))).toEqual([])
  })

  it('covers every type of event', () => {
    const types = RoomEventSchema.anyOf.map((each) => each.properties.type.const)
    expect(EVENTS.map(({ type }) => type).sort()).toEqual([...types].sort())
  })

  it('writes times in ISO 8601 with milliseconds, and null for what is absent', () => {
    const sent = wireRoomEvent(EVENTS[0] as RoomEvent)
    expect(sent).toMatchObject({
      at: '2026-01-02T03:04:05.006Z',
      data: { message: { createdAt: '2026-01-02T03:04:05.006Z', editedAt: null, threadId: null } },
    })
    const names = Object.keys(sent.type === 'message.sent' ? sent.data.message : {})
    expect(names.filter((name) => name.endsWith('Ms'))).toEqual([])
  })

  it('gives users, sessions, presence and deliveries their shapes', () => {
    const user = {
      id: id(3),
      email: 'a@b.org',
      displayName: 'Ann',
      mediation: 'on',
      createdAtMs: AT,
    } as const
    const login = {
      id: id(5),
      userId: id(3),
      userAgent: null,
      createdAtMs: AT,
      lastSeenAtMs: AT,
      expiresAtMs: AT,
    }
    expect(errorsOf(User, wireUser(user))).toEqual([])
    expect(wireUser(user)).not.toHaveProperty('mediation')
    expect(errorsOf(Session, wireSession(login, id(5)))).toEqual([])
    expect(wireSession(login, id(5)).current).toBe(true)
    const presence = { userId: id(3), state: 'offline', lastSeenAtMs: null } as const
    expect(errorsOf(Presence, wirePresence(presence))).toEqual([])
    expect(errorsOf(Delivery, wireDelivery({ message, verdict: null }))).toEqual([])
  })

  it('would be refused by its schema if a field were missing', () => {
    const { actorId: _, ...incomplete } = wireRoomEvent(EVENTS[0] as RoomEvent)
    expect(errorsOf(Type.Object({ event: RoomEventSchema }), { event: incomplete }).length).toBeGreaterThan(0)
  })
})
