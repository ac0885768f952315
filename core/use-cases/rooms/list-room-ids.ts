import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { type Ok, ok } from '../../domain/result.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }

/** The ids of the caller's rooms, newest first, and nothing that would have to be counted. */
export class ListRoomIds {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Pick<Actor, 'userId'>): Promise<Ok<readonly RoomId[]>> {
    const roomIds = await this.ports.rooms.roomIdsOf([actor.userId])
    // Ids are in order of creation.
    return ok((roomIds.get(actor.userId) ?? []).toSorted().toReversed())
  }
}
