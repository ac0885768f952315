import type { MessageId, RoomId } from '../domain/ids.js'
import type { Message, MessageVersion } from '../domain/message.js'
import type { Window } from '../domain/page.js'

/** `headSeq` and the messages come from one consistent read. */
export type MessagePage = {
  /** Ascending by `seq`. */
  readonly messages: readonly Message[]
  /** In the direction asked: older ones for `before` and the newest page, newer ones for `after`. */
  readonly hasMore: boolean
  readonly headSeq: number
}

export interface MessageRepoPort {
  find(messageId: MessageId): Promise<Message | null>
  page(roomId: RoomId, window: Window): Promise<MessagePage>
  /** Up to `limit` messages with the target in the middle, as far as there are any. Null where there is no such message. */
  around(messageId: MessageId, limit: number): Promise<Omit<MessagePage, 'hasMore'> | null>
  /** Oldest first, the present text last; empty once deleted. */
  versions(
    messageId: MessageId,
  ): Promise<{ readonly versions: readonly MessageVersion[]; readonly headSeq: number }>
  /** Full text, newest first, below `beforeSeq`; tombstones are never found. */
  search(roomId: RoomId, query: string, beforeSeq: number | null, limit: number): Promise<MessagePage>
}
