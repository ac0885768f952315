import { type Denial, denialOf } from '../../core/domain/denial.js'
import { isId, type RoomId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import { fail, ok, type Result } from '../../core/domain/result.js'
import type { Role } from '../../core/domain/role.js'
import type {
  Creation,
  CreationKey,
  InvitationRepoPort,
  MemberWrite,
} from '../../core/ports/room-repo-port.js'
import type { Sql, Transaction } from './connection.js'
import { claimCreation } from './creations.js'
import type { Database } from './database.js'
import { type InvitationRow, toInvitation } from './invitation-rows.js'
import { loginIsLive } from './live-login.js'
import { lockRooms } from './room-locks.js'
import { passBarrier } from './write-barrier.js'

const PORT = 'InvitationRepoPort'

/** Invitations in Postgres. */
export class PostgresInvitationRepo implements InvitationRepoPort {
  constructor(private readonly database: Database) {}

  create(
    invitation: Invitation,
    by: MemberWrite,
    key: CreationKey | null,
  ): Promise<Result<Creation<Invitation>, Denial>> {
    return this.database.transaction<Result<Creation<Invitation>, Denial>>(PORT, async (tx) => {
      const denial = await lockAndJudge(tx, invitation.roomId, by)
      if (denial !== null) return fail(denial)
      if (key !== null) {
        const claim = await claimCreation(tx, by.actor.userId, 'invitation', key, invitation.code)
        if (claim.outcome === 'conflict') return ok({ outcome: 'conflict' })
        const found = claim.outcome === 'found' ? await findInvitation(tx, claim.id) : null
        if (found !== null) return ok({ outcome: 'found', value: found })
      }
      await insertInvitation(tx, invitation)
      return ok({ outcome: 'created', value: invitation })
    })
  }

  find(code: string): Promise<Invitation | null> {
    return this.database.call(PORT, (sql) => findInvitation(sql, code))
  }

  async revoke(roomId: RoomId, code: string, by: MemberWrite): Promise<Result<boolean, Denial>> {
    if (!isId(roomId)) return fail('no-member')
    return this.database.transaction<Result<boolean, Denial>>(PORT, async (tx) => {
      const denial = await lockAndJudge(tx, roomId, by)
      if (denial !== null) return fail(denial)
      const { count } = await tx`
        update invitations set revoked_at_ms = ${by.atMs}
        where room_id = ${roomId} and code = ${code} and revoked_at_ms is null`
      return ok(count === 1)
    })
  }
}

/**
 * Why the actor may not, as of now. With the room's row locked nobody's role changes until the transaction ends, and a join
 * is before or after it.
 */
async function lockAndJudge(
  tx: Transaction,
  roomId: RoomId,
  { actor, atMs, allows }: MemberWrite,
): Promise<Denial | null> {
  const reading = tx<{ is_live: boolean; role: Role | null }[]>`
    select ${loginIsLive(tx, actor, atMs)} as is_live, (
      select role from room_members
      where room_id = ${roomId} and user_id = ${actor.userId} and left_at_ms is null
    ) as role`
  const [, , [facts]] = await Promise.all([
    lockRooms(tx, [roomId]).execute(),
    passBarrier(tx).execute(),
    reading.execute(),
  ])
  return denialOf({ loginIsLive: facts?.is_live === true, role: facts?.role ?? null }, allows)
}

async function findInvitation(sql: Sql | Transaction, code: string): Promise<Invitation | null> {
  const [row] = await sql<InvitationRow[]>`select * from invitations where code = ${code}`
  return row === undefined ? null : toInvitation(row)
}

const insertInvitation = (tx: Transaction, invitation: Invitation) => tx`
  insert into invitations (
    code, room_id, role, created_by, created_at_ms, expires_at_ms, max_uses, uses, revoked_at_ms
  ) values (
    ${invitation.code}, ${invitation.roomId}, ${invitation.role}, ${invitation.createdBy},
    ${invitation.createdAtMs}, ${invitation.expiresAtMs}, ${invitation.maxUses}, ${invitation.uses},
    ${invitation.revokedAtMs}
  )`
