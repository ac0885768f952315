import type { Actor } from '../../domain/account.js'
import { isId } from '../../domain/ids.js'
import { checkLimit, PAGE_LIMIT } from '../../domain/page.js'
import { invalid, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { RoomPage, RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }
type Input = { readonly cursor?: string | undefined; readonly limit?: number | undefined }

/** The rooms of the caller, newest first, with what is unread in them. */
export class ListRooms {
  constructor(private readonly ports: Ports) {}

  async execute(
    actor: Actor,
    input: Input,
  ): Promise<Result<{ rooms: RoomPage['rooms']; nextCursor: string | null }, Refusal>> {
    const limit = checkLimit(input.limit, PAGE_LIMIT)
    if (!limit.ok) return limit
    if (input.cursor !== undefined && !isId(input.cursor))
      return invalid('cursor', 'is not a cursor of this list')
    const page = await this.ports.rooms.listFor(actor.userId, input.cursor ?? null, limit.value)
    return ok({ rooms: page.rooms, nextCursor: page.nextAfter })
  }
}
