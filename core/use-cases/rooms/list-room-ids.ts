import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import { type Ok, ok } from '../../domain/result.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }

/** The ids of the caller's newest rooms, newest first, and nothing that would have to be counted. */
export class ListRoomIds {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Pick<Actor, 'userId'>, limit: number): Promise<Ok<readonly RoomId[]>> {
    return ok(await this.ports.rooms.newestRoomIds(actor.userId, limit))
  }
}
