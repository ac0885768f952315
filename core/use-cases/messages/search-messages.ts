import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { checkLimit, PAGE_LIMIT } from '../../domain/page.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { invalid, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { checkText, SEARCH_MAX } from '../../domain/text.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { withinLimits } from '../rate-limiting.js'
import { admitReader } from '../rooms/room-access.js'

type Ports = { rooms: RoomRepoPort; messages: MessageRepoPort; limits: RateLimitPort }
type Input = {
  readonly roomId: RoomId
  readonly q: string
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
  readonly minSeq?: number | undefined
}

export type FoundMessages = {
  readonly messages: readonly Message[]
  readonly nextCursor: string | null
  readonly headSeq: number
}

/** A cursor is the seq below which to go on. */
const CURSOR = /^[1-9][0-9]{0,14}$/

/** Messages of a room in which all the words occur, newest first. */
export class SearchMessages {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<FoundMessages, Refusal>> {
    const { rooms, messages, limits } = this.ports
    const query = checkText('q', input.q, SEARCH_MAX)
    if (!query.ok) return query
    const limit = checkLimit(input.limit, PAGE_LIMIT)
    if (!limit.ok) return limit
    if (input.cursor !== undefined && !CURSOR.test(input.cursor))
      return invalid('cursor', 'is not a cursor of this list')
    const access = await admitReader(rooms, actor, input.roomId, input.minSeq)
    if (!access.ok) return access
    const allowed = await withinLimits(limits, [[`search:${actor.userId}`, LIMITS.searchesPerUser]])
    if (!allowed.ok) return allowed

    const beforeSeq = input.cursor === undefined ? null : Number(input.cursor)
    const page = await messages.search(input.roomId, query.value, beforeSeq, limit.value)
    const last = page.messages.at(-1)
    const nextCursor = page.hasMore && last !== undefined ? String(last.seq) : null
    return ok({ messages: page.messages, nextCursor, headSeq: page.headSeq })
  }
}
