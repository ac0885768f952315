import type { UserId } from '../../core/domain/ids.js'
import type { CreationKey } from '../../core/ports/room-repo-port.js'
import type { Transaction } from './connection.js'

/**
 * Claims a client id for what the transaction is about to create. Two who claim one at once are served one after the
 * other: the second waits for the first to commit, and is then told what that created.
 */
export async function claimCreation(
  tx: Transaction,
  userId: UserId,
  kind: 'room' | 'invitation',
  key: CreationKey,
  createdId: string,
): Promise<
  { readonly outcome: 'claimed' | 'conflict' } | { readonly outcome: 'found'; readonly id: string }
> {
  const { count } = await tx`
    insert into creations (user_id, kind, client_id, body_digest, created_id)
    values (${userId}, ${kind}, ${key.clientId}, ${key.bodyDigest}, ${createdId})
    on conflict do nothing`
  if (count === 1) return { outcome: 'claimed' }
  const [earlier] = await tx<{ body_digest: string; created_id: string }[]>`
    select body_digest, created_id from creations
    where user_id = ${userId} and kind = ${kind} and client_id = ${key.clientId}`
  if (earlier?.body_digest !== key.bodyDigest) return { outcome: 'conflict' }
  return { outcome: 'found', id: earlier.created_id }
}
