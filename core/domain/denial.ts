import { forbidden, notFound, type Refusal, unauthenticated } from './refusal.js'
import type { Fail } from './result.js'
import type { Role } from './role.js'

/** Why nothing was written for an actor, by what was so in the transaction that would have written. */
export type Denial =
  /** The login has ended or expired, or the account is disabled. */
  | 'login-ended'
  /** There is no such room, or the actor is not a member of it. */
  | 'no-member'
  /** The actor's role is none of those that may. */
  | 'role'

export function denialOf(
  facts: { readonly loginIsLive: boolean; readonly role: Role | null },
  allows: (role: Role) => boolean,
): Denial | null {
  if (!facts.loginIsLive) return 'login-ended'
  if (facts.role === null) return 'no-member'
  return allows(facts.role) ? null : 'role'
}

/** `message` says which roles may. */
export function refusalOf(denial: Denial, message?: string): Fail<Refusal> {
  if (denial === 'login-ended') return unauthenticated()
  return denial === 'no-member' ? notFound() : forbidden(message)
}
