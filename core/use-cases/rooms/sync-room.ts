import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { checkLimit, EVENTS_LIMIT, isSeq } from '../../domain/page.js'
import { invalid, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { EventPage, RoomLogPort } from '../../ports/room-log-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from './room-access.js'

type Ports = { rooms: RoomRepoPort; log: RoomLogPort }
type Input = {
  readonly roomId: RoomId
  readonly since: number
  readonly limit?: number | undefined
  readonly minSeq?: number | undefined
}

/** The room's log after `since`: how a client closes any gap. */
export class SyncRoom {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<EventPage, Refusal>> {
    const { rooms, log } = this.ports
    if (!isSeq(input.since)) return invalid('since', 'must be a seq, or 0 for the whole log')
    const limit = checkLimit(input.limit, EVENTS_LIMIT)
    if (!limit.ok) return limit
    const access = await admitReader(rooms, actor, input.roomId, input.minSeq)
    if (!access.ok) return access
    // None from above the head at which the caller was a member: whoever is removed meanwhile reads no further.
    const headSeq = access.value.heads.head
    const count = Math.min(limit.value, headSeq - input.since)
    if (count <= 0) return ok({ events: [], headSeq, hasMore: false })
    const page = await log.read(input.roomId, input.since, count)
    if (page === null) return notFound()
    return ok({ events: page.events, headSeq, hasMore: input.since + count < headSeq })
  }
}
