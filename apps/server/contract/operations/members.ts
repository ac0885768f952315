import Type from 'typebox'
import { INVITATION_TTL_MS, INVITATION_USES } from '../../../../core/domain/invitation.js'
import { ok } from '../../../../core/domain/result.js'
import {
  ClientId,
  Code,
  Id,
  listOf,
  MinSeq,
  optional,
  RoleName,
  Seq,
  shape,
  strict,
  Time,
} from '../fields.js'
import { forUsers } from '../operation.js'
import { Member, Room } from '../shapes.js'
import { isoTime, wireMember, wireRoom } from '../to-wire.js'

export const memberOperations = [
  forUsers({
    id: 'listMembers',
    summary: 'The members of a room, in order of joining.',
    http: { method: 'GET', path: '/rooms/:roomId/members', status: 200 },
    input: strict({ roomId: Id, minSeq: optional(MinSeq) }),
    output: shape({ members: listOf(Member), headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.listMembers.execute(actor, input)
      if (!result.ok) return result
      return ok({ members: result.value.members.map(wireMember), headSeq: result.value.headSeq })
    },
  }),
  forUsers({
    id: 'changeMemberRole',
    summary: 'Give a member another role.',
    http: { method: 'PATCH', path: '/rooms/:roomId/members/:userId', status: 200 },
    input: strict({ roomId: Id, userId: Id, role: RoleName }),
    output: shape({ member: Member }),
    async run({ parley, actor }, input) {
      const result = await parley.changeMemberRole.execute(actor, input)
      return result.ok ? ok({ member: wireMember(result.value) }) : result
    },
  }),
  forUsers({
    id: 'removeMember',
    summary: 'Take a member out of a room; removing oneself is leaving.',
    http: { method: 'DELETE', path: '/rooms/:roomId/members/:userId', status: 204 },
    input: strict({ roomId: Id, userId: Id }),
    output: shape({}),
    async run({ parley, actor }, input) {
      const result = await parley.removeMember.execute(actor, input)
      return result.ok ? ok({}) : result
    },
  }),
  forUsers({
    id: 'createInvitation',
    summary: 'Make a code with which others can join.',
    http: { method: 'POST', path: '/rooms/:roomId/invitations', status: 201 },
    input: strict({
      roomId: Id,
      role: optional(RoleName),
      expiresInS: optional(
        Type.Integer({ minimum: INVITATION_TTL_MS.min / 1_000, maximum: INVITATION_TTL_MS.max / 1_000 }),
      ),
      maxUses: optional(Type.Integer({ minimum: 1, maximum: INVITATION_USES.max })),
      clientId: optional(ClientId),
    }),
    output: shape({ code: Type.String(), expiresAt: Time }),
    async run({ parley, actor }, input) {
      const result = await parley.createInvitation.execute(actor, input)
      if (!result.ok) return result
      return ok({ code: result.value.code, expiresAt: isoTime(result.value.expiresAtMs) })
    },
  }),
  forUsers({
    id: 'revokeInvitation',
    summary: 'Make a code useless.',
    http: { method: 'DELETE', path: '/rooms/:roomId/invitations/:code', status: 204 },
    input: strict({ roomId: Id, code: Code }),
    output: shape({}),
    async run({ parley, actor }, input) {
      const result = await parley.revokeInvitation.execute(actor, input)
      return result.ok ? ok({}) : result
    },
  }),
  forUsers({
    id: 'acceptInvitation',
    summary: 'Join the room that a code is for.',
    http: { method: 'POST', path: '/invitations/:code/accept', status: 200 },
    input: strict({ code: Code }),
    output: shape({ room: Room }),
    async run({ parley, actor }, input) {
      const result = await parley.acceptInvitation.execute(actor, input)
      return result.ok ? ok({ room: wireRoom(result.value) }) : result
    },
  }),
]
