import assert from 'node:assert/strict'
import type { Actor } from '../../core/domain/account.js'
import type { Denial } from '../../core/domain/denial.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Result } from '../../core/domain/result.js'
import { may } from '../../core/domain/role.js'
import type { Creation, CreationKey, MemberWrite } from '../../core/ports/room-repo-port.js'
import { accepted, type Store } from './store.js'

/** What was created, or found where the same call created it before. */
export function valueIn<T>(created: Result<Creation<T>, Denial>): T {
  const creation = accepted(created)
  return creation.outcome === 'conflict' ? assert.fail('conflict') : creation.value
}

export const outcomeOf = (created: Result<Creation<unknown>, Denial>): string =>
  created.ok ? created.value.outcome : created.refusal

/** As one who writes what moderators and owners may. */
export const moderating = (store: Store, { actor }: { readonly actor: Actor }): MemberWrite => ({
  actor,
  atMs: store.clock.nowMs(),
  allows: (role) => may(role, 'moderate'),
})

export const invite = (
  store: Store,
  invitation: Invitation,
  by: { readonly actor: Actor },
  key: CreationKey | null = null,
) => store.invitations.create(invitation, moderating(store, by), key)

export const nthOf = (invitations: readonly Invitation[], index: number): Invitation =>
  invitations[index] ?? assert.fail(`no invitation ${index}`)
