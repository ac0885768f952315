import type { RoomId, UserId } from '../../domain/ids.js'
import { type Ok, ok } from '../../domain/result.js'
import type { Standing } from '../../domain/room.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }
type Input = { readonly roomIds: readonly RoomId[]; readonly userIds: readonly UserId[] }

/** How rooms stand for users, each told of their own only: role, newest seq, read marker, unread count. */
export class ReportStandings {
  constructor(private readonly ports: Ports) {}

  async execute(input: Input): Promise<Ok<readonly Standing[]>> {
    return ok(await this.ports.rooms.standings(input.roomIds, input.userIds))
  }
}
