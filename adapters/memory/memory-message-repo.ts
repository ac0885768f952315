import type { MessageId, RoomId } from '../../core/domain/ids.js'
import type { Message, MessageVersion } from '../../core/domain/message.js'
import type { Window } from '../../core/domain/page.js'
import type { MessagePage, MessageRepoPort } from '../../core/ports/message-repo-port.js'
import type { MemoryDatabase } from './memory-database.js'

const EVER = Number.POSITIVE_INFINITY
const NO_ROOM: MessagePage = { messages: [], hasMore: false, headSeq: 0 }

/** Messages in memory. A search finds whole words, in any case. */
export class MemoryMessageRepo implements MessageRepoPort {
  constructor(private readonly database: MemoryDatabase) {}

  async find(messageId: MessageId): Promise<Message | null> {
    return this.database.roomOfMessage(messageId)?.message(messageId) ?? null
  }

  async page(roomId: RoomId, { before, after, limit }: Window): Promise<MessagePage> {
    const room = this.database.rooms.get(roomId)
    if (room === undefined) return NO_ROOM
    const inReach = after === null ? room.between(0, before ?? EVER) : room.between(after + 1, EVER)
    const messages = after === null ? inReach.slice(-limit) : inReach.slice(0, limit)
    return { messages, hasMore: inReach.length > messages.length, headSeq: room.heads.head }
  }

  async around(messageId: MessageId, limit: number): Promise<Omit<MessagePage, 'hasMore'> | null> {
    const room = this.database.roomOfMessage(messageId)
    const target = room?.message(messageId)
    if (room === null || target == null) return null
    const olderCount = Math.floor(limit / 2)
    const older = olderCount === 0 ? [] : room.between(0, target.seq).slice(-olderCount)
    const newer = room.between(target.seq + 1, EVER).slice(0, limit - 1 - olderCount)
    return { messages: [...older, target, ...newer], headSeq: room.heads.head }
  }

  async versions(
    messageId: MessageId,
  ): Promise<{ readonly versions: readonly MessageVersion[]; readonly headSeq: number }> {
    const room = this.database.roomOfMessage(messageId)
    return room === null
      ? { versions: [], headSeq: 0 }
      : { versions: room.versions(messageId), headSeq: room.heads.head }
  }

  async search(roomId: RoomId, query: string, beforeSeq: number | null, limit: number): Promise<MessagePage> {
    const room = this.database.rooms.get(roomId)
    if (room === undefined) return NO_ROOM
    const wanted = wordsOf(query)
    const found = room
      .between(0, beforeSeq ?? EVER)
      .filter(({ text, deletedAtMs }) => deletedAtMs === null && holds(text, wanted))
      .toReversed()
    return {
      messages: found.slice(0, limit),
      hasMore: found.length > limit,
      headSeq: room.heads.head,
    }
  }
}

const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [])

function holds(text: string, wanted: ReadonlySet<string>): boolean {
  const words = wordsOf(text)
  return wanted.size > 0 && [...wanted].every((word) => words.has(word))
}
