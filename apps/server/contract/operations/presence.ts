import Type from 'typebox'
import { unauthenticated } from '../../../../core/domain/refusal.js'
import { ok } from '../../../../core/domain/result.js'
import { Id, listOf, MinSeq, optional, Seq, shape, strict, Token } from '../fields.js'
import { forSockets, forUsers } from '../operation.js'
import { Presence } from '../shapes.js'
import { wirePresence } from '../to-wire.js'

export const presenceOperations = [
  forUsers({
    id: 'getRoomPresence',
    summary: 'Which members of a room are there now.',
    http: { method: 'GET', path: '/rooms/:roomId/presence', status: 200 },
    input: strict({ roomId: Id, minSeq: optional(MinSeq) }),
    output: shape({ members: listOf(Presence), partial: Type.Boolean(), headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.getRoomPresence.execute(actor, input)
      if (!result.ok) return result
      const { presences, partial, headSeq } = result.value
      return ok({ members: presences.map(wirePresence), partial, headSeq })
    },
  }),
  forSockets({
    id: 'setPresence',
    summary: 'Say whether the user of this socket is at the screen.',
    event: 'presence:set',
    input: strict({ state: Type.Enum(['online', 'away']) }),
    output: shape({}),
    async run({ parley, actor, connection }, { state }) {
      const result = await parley.setPresence.execute(actor, { socketId: connection.socketId, state })
      return result.ok ? ok({}) : result
    },
  }),
  forUsers({
    id: 'setTyping',
    summary: 'Tell the others in a room that the caller is typing, or has stopped.',
    event: 'typing:set',
    input: strict({ roomId: Id, typing: Type.Boolean() }),
    output: shape({}),
    async run({ parley, actor }, input) {
      const result = await parley.setTyping.execute(actor, input)
      return result.ok ? ok({}) : result
    },
  }),
  forSockets({
    id: 'renewToken',
    summary: 'Keep the socket open with a newer access token of the same login.',
    event: 'auth:renew',
    input: strict({ token: Token }),
    output: shape({ expiresInS: Type.Integer() }),
    async run({ parley, connection }, { token }) {
      const result = await parley.authenticate.execute(token)
      if (!result.ok) return result
      const { actor, expiresAtMs } = result.value
      if (!connection.renew(actor, expiresAtMs)) return unauthenticated()
      return ok({ expiresInS: Math.max(0, Math.floor((expiresAtMs - Date.now()) / 1_000)) })
    },
  }),
]
