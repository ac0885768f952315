import Type from 'typebox'
import { ok } from '../../../../core/domain/result.js'
import { REASON_MAX } from '../../../../core/domain/text.js'
import { ClientId, Emoji, Id, optional, shape, strict, Text } from '../fields.js'
import { forUsers } from '../operation.js'
import { Delivery, Message } from '../shapes.js'
import { wireDelivery, wireMessage } from '../to-wire.js'

const MessageAnswer = shape({ message: Message })
const Reason = Type.String({ minLength: 1, maxLength: REASON_MAX })

export const messageOperations = [
  forUsers({
    id: 'sendMessage',
    summary: 'Send a message; safe to repeat with the same `clientMessageId`.',
    http: { method: 'POST', path: '/rooms/:roomId/messages', status: 201 },
    event: 'message:send',
    input: strict({
      roomId: Id,
      clientMessageId: ClientId,
      text: Text,
      threadId: optional(Id),
      replyTo: optional(Id),
    }),
    output: Delivery,
    async run({ parley, actor }, input) {
      const result = await parley.sendMessage.execute(actor, input)
      return result.ok ? ok(wireDelivery(result.value)) : result
    },
  }),
  forUsers({
    id: 'editMessage',
    summary: 'Change the text of an own message; earlier texts stay readable.',
    http: { method: 'PATCH', path: '/messages/:id', id: 'messageId', status: 200 },
    event: 'message:edit',
    input: strict({ messageId: Id, text: Text }),
    output: Delivery,
    async run({ parley, actor }, input) {
      const result = await parley.editMessage.execute(actor, input)
      return result.ok ? ok(wireDelivery(result.value)) : result
    },
  }),
  forUsers({
    id: 'deleteMessage',
    summary: 'Erase the text of a message; its place in the log stays.',
    http: { method: 'DELETE', path: '/messages/:id', id: 'messageId', status: 200 },
    event: 'message:delete',
    input: strict({ messageId: Id }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.deleteMessage.execute(actor, input)
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'react',
    summary: 'Add or take back a reaction.',
    event: 'message:react',
    input: strict({ messageId: Id, emoji: Emoji, on: Type.Boolean() }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.reactToMessage.execute(actor, input)
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'addReaction',
    summary: 'React to a message.',
    http: { method: 'PUT', path: '/messages/:id/reactions/:emoji', id: 'messageId', status: 200 },
    input: strict({ messageId: Id, emoji: Emoji }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.reactToMessage.execute(actor, { ...input, on: true })
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'removeReaction',
    summary: 'Take back a reaction.',
    http: { method: 'DELETE', path: '/messages/:id/reactions/:emoji', id: 'messageId', status: 200 },
    input: strict({ messageId: Id, emoji: Emoji }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.reactToMessage.execute(actor, { ...input, on: false })
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'flag',
    summary: "Mark another's message as hurtful, or take the mark back.",
    event: 'message:flag',
    input: strict({ messageId: Id, on: Type.Boolean(), reason: optional(Reason) }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.flagMessage.execute(actor, input)
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'addFlag',
    summary: "Mark another's message as hurtful.",
    http: { method: 'POST', path: '/messages/:id/flag', id: 'messageId', status: 200 },
    input: strict({ messageId: Id, reason: optional(Reason) }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.flagMessage.execute(actor, { ...input, on: true })
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
  forUsers({
    id: 'removeFlag',
    summary: 'Take the mark back.',
    http: { method: 'DELETE', path: '/messages/:id/flag', id: 'messageId', status: 200 },
    input: strict({ messageId: Id, reason: optional(Reason) }),
    output: MessageAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.flagMessage.execute(actor, { ...input, on: false })
      return result.ok ? ok({ message: wireMessage(result.value) }) : result
    },
  }),
]
