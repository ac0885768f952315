import type { EndedLogin, Login, LoginEndReason, User } from '../../core/domain/account.js'
import { emailKey } from '../../core/domain/email.js'
import type { LoginId, UserId } from '../../core/domain/ids.js'
import type { NewLogin } from '../../core/ports/account-repo-port.js'
import type { Sql, Transaction } from './connection.js'

export type UserRow = {
  readonly id: string
  readonly email: string
  readonly display_name: string
  readonly mediation: 'on' | 'off'
  readonly created_at_ms: number
}

export type LoginRow = {
  readonly id: string
  readonly user_id: string
  readonly user_agent: string | null
  readonly created_at_ms: number
  readonly last_seen_at_ms: number
  readonly expires_at_ms: number
}

export const toUser = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  displayName: row.display_name,
  mediation: row.mediation,
  createdAtMs: row.created_at_ms,
})

export const toLogin = (row: LoginRow): Login => ({
  id: row.id,
  userId: row.user_id,
  userAgent: row.user_agent,
  createdAtMs: row.created_at_ms,
  lastSeenAtMs: row.last_seen_at_ms,
  expiresAtMs: row.expires_at_ms,
})

export const userValues = (user: User, passwordHash: string) => ({
  id: user.id,
  email: user.email,
  email_key: emailKey(user.email),
  display_name: user.displayName,
  mediation: user.mediation,
  password_hash: passwordHash,
  created_at_ms: user.createdAtMs,
})

/**
 * Waits for logins of this user that are being opened and keeps out others until the transaction ends, so that whoever ends
 * all of them misses none: their foreign key takes a lock that conflicts with this one, but not with that of an update.
 */
export async function keepOutNewLogins(tx: Transaction, userId: UserId): Promise<void> {
  await tx`select from users where id = ${userId} for update`
}

export async function insertLogin(
  tx: Transaction,
  { login, refreshDigest, placeDigest }: NewLogin,
): Promise<void> {
  const values = {
    id: login.id,
    user_id: login.userId,
    user_agent: login.userAgent,
    created_at_ms: login.createdAtMs,
    last_seen_at_ms: login.lastSeenAtMs,
    expires_at_ms: login.expiresAtMs,
    place_digest: placeDigest ?? null,
  }
  await Promise.all([
    tx`insert into logins ${tx(values)}`,
    tx`insert into refresh_tokens ${tx({ digest: refreshDigest, login_id: login.id })}`,
  ])
}

/** Marks the logins of a user as ended, all that had not but `keep`. */
export async function markEnded(
  tx: Sql | Transaction,
  which: { readonly userId: UserId; readonly keep: LoginId | null },
  reason: LoginEndReason,
  atMs: number,
): Promise<readonly EndedLogin[]> {
  const rows = await tx<{ id: string }[]>`
    update logins set ended_at_ms = ${atMs}, end_reason = ${reason}
    where user_id = ${which.userId} and ended_at_ms is null and id is distinct from ${which.keep}::uuid
    returning id`
  return rows.map(({ id }) => ({ loginId: id, userId: which.userId, reason, endedAtMs: atMs }))
}
