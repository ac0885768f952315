import { isId, type RoomId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Creation, CreationKey, InvitationRepoPort } from '../../core/ports/room-repo-port.js'
import type { Sql, Transaction } from './connection.js'
import { claimCreation } from './creations.js'
import type { Database } from './database.js'
import { type InvitationRow, toInvitation } from './invitation-rows.js'

const PORT = 'InvitationRepoPort'

/** Invitations in Postgres. */
export class PostgresInvitationRepo implements InvitationRepoPort {
  constructor(private readonly database: Database) {}

  create(invitation: Invitation, key: CreationKey | null): Promise<Creation<Invitation>> {
    return this.database.transaction(PORT, async (tx) => {
      if (key !== null) {
        const claim = await claimCreation(tx, invitation.createdBy, 'invitation', key, invitation.code)
        if (claim.outcome === 'conflict') return { outcome: 'conflict' }
        const found = claim.outcome === 'found' ? await findInvitation(tx, claim.id) : null
        if (found !== null) return { outcome: 'found', value: found }
      }
      await insertInvitation(tx, invitation)
      return { outcome: 'created', value: invitation }
    })
  }

  find(code: string): Promise<Invitation | null> {
    return this.database.call(PORT, (sql) => findInvitation(sql, code))
  }

  /** The room's row is locked, so that a join by this code is before or after, and none follows the answer. */
  async revoke(roomId: RoomId, code: string, atMs: number): Promise<boolean> {
    if (!isId(roomId)) return false
    const { count } = await this.database.call(
      PORT,
      (sql) => sql`
        with room as (select id from rooms where id = ${roomId} for no key update)
        update invitations i set revoked_at_ms = ${atMs}
        from room where i.room_id = room.id and i.code = ${code} and i.revoked_at_ms is null`,
    )
    return count === 1
  }
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
