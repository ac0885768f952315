import type { Actor } from '../../core/domain/account.js'
import type { UserId } from '../../core/domain/ids.js'
import { isId } from '../../core/domain/ids.js'
import type { Transaction } from './connection.js'
import { passBarrier } from './write-barrier.js'

/** A login that had not ended, of an account that was not disabled. */
export type LiveLogin = { readonly userId: UserId; readonly expiresAtMs: number }

/** The condition that the actor may write at `atMs`, for a statement behind the barrier. */
export function loginIsLive(tx: Transaction, { userId, loginId }: Actor, atMs: number) {
  if (loginId === null) return tx`true`
  if (!isId(loginId) || !isId(userId)) return tx`false`
  return tx`exists (
    select from logins l join users u on u.id = l.user_id
    where l.id = ${loginId} and l.user_id = ${userId}
      and l.ended_at_ms is null and l.expires_at_ms > ${atMs} and u.disabled_at_ms is null
  )`
}

/** Passes the barrier, so that whoever ends the login from now on waits for `tx`; whether it is live now. */
export async function isStillLive(tx: Transaction, actor: Actor, atMs: number): Promise<boolean> {
  const reading = tx<{ is_live: boolean }[]>`select ${loginIsLive(tx, actor, atMs)} as is_live`
  const [, [row]] = await Promise.all([passBarrier(tx).execute(), reading.execute()])
  return row?.is_live === true
}
