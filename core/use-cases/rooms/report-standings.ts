import { type Ok, ok } from '../../domain/result.js'
import type { Standing } from '../../domain/room.js'
import type { RoomOfUser, RoomRepoPort } from '../../ports/room-repo-port.js'

type Ports = { rooms: RoomRepoPort }

/**
 * How rooms stand for users, each told of their own only: role, newest seq, read marker, unread count. Who is no longer a
 * member learns that, and not how far the room has gone since.
 */
export class ReportStandings {
  constructor(private readonly ports: Ports) {}

  async execute(of: readonly RoomOfUser[]): Promise<Ok<readonly Standing[]>> {
    const standings = await this.ports.rooms.standings(of)
    return ok(
      standings.map((standing) =>
        standing.role === null ? { ...standing, headSeq: standing.readSeq } : standing,
      ),
    )
  }
}
