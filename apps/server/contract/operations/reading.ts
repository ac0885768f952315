import Type from 'typebox'
import { ok } from '../../../../core/domain/result.js'
import { SEARCH_MAX } from '../../../../core/domain/text.js'
import { Cursor, Id, Limit, listOf, MinSeq, nullable, optional, Seq, shape, strict } from '../fields.js'
import { forUsers } from '../operation.js'
import { Message, MessageVersion } from '../shapes.js'
import { isoTime, wireMessages } from '../to-wire.js'

export const readingOperations = [
  forUsers({
    id: 'listMessages',
    summary: 'A page of messages, ascending by seq; the newest where neither `before` nor `after` is given.',
    http: { method: 'GET', path: '/rooms/:roomId/messages', status: 200 },
    event: 'message:list',
    input: strict({
      roomId: Id,
      before: optional(Seq),
      after: optional(Seq),
      limit: optional(Limit),
      threadId: optional(Id),
      minSeq: optional(MinSeq),
    }),
    output: shape({ messages: listOf(Message), hasMore: Type.Boolean(), headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.listMessages.execute(actor, input)
      if (!result.ok) return result
      const { messages, hasMore, headSeq } = result.value
      return ok({ messages: wireMessages(messages), hasMore, headSeq })
    },
  }),
  forUsers({
    id: 'listMessagesAround',
    summary: 'A message with what stands before and after it.',
    http: { method: 'GET', path: '/messages/:id/around', id: 'messageId', status: 200 },
    event: 'message:around',
    input: strict({ messageId: Id, limit: optional(Limit), minSeq: optional(MinSeq) }),
    output: shape({ messages: listOf(Message), targetMessageId: Id, headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.listMessagesAround.execute(actor, input)
      if (!result.ok) return result
      const { messages, targetMessageId, headSeq } = result.value
      return ok({ messages: wireMessages(messages), targetMessageId, headSeq })
    },
  }),
  forUsers({
    id: 'listMessageVersions',
    summary: 'All texts that a message has had, oldest first; none once it is deleted.',
    http: { method: 'GET', path: '/messages/:id/versions', id: 'messageId', status: 200 },
    input: strict({ messageId: Id, minSeq: optional(MinSeq) }),
    output: shape({ versions: listOf(MessageVersion), headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.listMessageVersions.execute(actor, input)
      if (!result.ok) return result
      const { versions, headSeq } = result.value
      return ok({ versions: versions.map(({ text, atMs }) => ({ text, at: isoTime(atMs) })), headSeq })
    },
  }),
  forUsers({
    id: 'searchMessages',
    summary: 'Messages of a room in which all the words occur, newest first.',
    http: { method: 'GET', path: '/rooms/:roomId/search', status: 200 },
    event: 'message:search',
    input: strict({
      roomId: Id,
      q: Type.String({ minLength: 1, maxLength: SEARCH_MAX }),
      cursor: optional(Cursor),
      limit: optional(Limit),
      minSeq: optional(MinSeq),
    }),
    output: shape({ messages: listOf(Message), nextCursor: nullable(Type.String()), headSeq: Seq }),
    async run({ parley, actor }, input) {
      const result = await parley.searchMessages.execute(actor, input)
      if (!result.ok) return result
      const { messages, nextCursor, headSeq } = result.value
      return ok({ messages: wireMessages(messages), nextCursor, headSeq })
    },
  }),
]
