import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { type Ok, ok } from '../../domain/result.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }

/** Which rooms the caller is a member of, in no order: what a process watches for a user, read in one quick look. */
export class ListRoomIds {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor): Promise<Ok<readonly RoomId[]>> {
    const roomIds = await this.ports.rooms.roomIdsOf([actor.userId])
    return ok(roomIds.get(actor.userId) ?? [])
  }
}
