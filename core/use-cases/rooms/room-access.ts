import type { Actor } from '../../domain/account.js'
import { isId, type RoomId } from '../../domain/ids.js'
import { forbidden, invalid, notFound, type Refusal, unauthenticated } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import { may, type Permission } from '../../domain/role.js'
import type { Member } from '../../domain/room.js'
import type { RoomFacts } from '../../ports/room-log-port.js'
import type { RoomAccess, RoomRepoPort } from '../../ports/room-repo-port.js'

/** Lets a member read; a non-member learns nothing. `minSeq` above the head names an event that never was. */
export async function admitReader(
  rooms: Pick<RoomRepoPort, 'access'>,
  actor: Actor,
  roomId: RoomId,
  minSeq = 0,
): Promise<Result<RoomAccess, Refusal>> {
  const access = isId(roomId) ? await rooms.access(roomId, actor.userId) : null
  if (access === null) return notFound()
  if (!(minSeq <= access.heads.head)) return invalid('minSeq', 'is beyond the newest event of the room')
  return ok(access)
}

/** Lets a member write, judged by the facts of the very transaction that writes. */
export function admitWriter(facts: RoomFacts, permission: Permission): Result<Member, Refusal> {
  if (!facts.loginIsLive) return unauthenticated()
  if (facts.actor === null) return notFound()
  return may(facts.actor.role, permission) ? ok(facts.actor) : forbidden()
}
