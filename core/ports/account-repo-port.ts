import type { Actor, EndedLogin, Login, LoginEndReason, User } from '../domain/account.js'
import type { LoginId, UserId } from '../domain/ids.js'

export type Credentials = {
  readonly user: User
  readonly passwordHash: string
  readonly disabledAtMs: number | null
}

export type NewLogin = {
  readonly login: Login
  readonly refreshDigest: string
  /** Of the account and the network address that it is opened from, together; without it, the login makes no place known. */
  readonly placeDigest?: string
}

/** Users, their passwords and reset codes. Whatever ends logins here ends them as `LoginRepoPort.end` does. */
export interface AccountRepoPort {
  /** Stores the user and their first login, or answers false where the e-mail address (by `emailKey`) is taken. */
  create(user: User, passwordHash: string, first: NewLogin): Promise<boolean>
  findByEmail(email: string): Promise<Credentials | null>
  find(userId: UserId): Promise<Credentials | null>
  /**
   * Changes the actor's profile. A new display name appends `member.changed` to each room of the user, in the same
   * transaction. Null where the login is not live in it, or there is no such user.
   */
  updateProfile(
    actor: Actor,
    profile: { readonly displayName?: string; readonly mediation?: 'on' | 'off' },
    atMs: number,
  ): Promise<User | null>
  /** Replaces the hash of an unchanged password (stronger parameters); ends nothing. */
  rehash(userId: UserId, from: string, to: string): Promise<void>
  /**
   * Sets the actor's new password and ends all other logins. Null where the actor's own is not live in the transaction that
   * does so, or there is no such user.
   */
  setPassword(actor: Actor, passwordHash: string, atMs: number): Promise<readonly EndedLogin[] | null>
  /** Disables (ending all logins) or enables. Null where there is no such user. */
  setDisabled(userId: UserId, disabled: boolean, atMs: number): Promise<readonly EndedLogin[] | null>
  /** Keeps one reset code a user, replacing an earlier one. False where there is no such user. */
  putResetCode(userId: UserId, codeDigest: string, expiresAtMs: number): Promise<boolean>
  /** Spends the code, sets the password and ends all logins, or answers null where the code does not fit the address. */
  resetPassword(
    email: string,
    codeDigest: string,
    passwordHash: string,
    atMs: number,
  ): Promise<readonly EndedLogin[] | null>
}

export type RefreshFacts = {
  readonly login: Login
  readonly user: User
  readonly ended: boolean
  readonly disabled: boolean
  /** When the presented token was spent; null while it is not. */
  readonly spentAtMs: number | null
  /** Whether a token that was issued for it has been spent in turn. */
  readonly successorSpent: boolean
}

export type RefreshDecision =
  /** Spends the presented token (if it is not yet) and stores a successor. */
  | { readonly kind: 'issue'; readonly successorDigest: string }
  | { readonly kind: 'end'; readonly reason: LoginEndReason }
  | { readonly kind: 'refuse' }

export interface LoginRepoPort {
  open(first: NewLogin): Promise<void>
  /** Whether a login that is still remembered, live or not, was opened from that place. */
  wasOpenedFrom(placeDigest: string): Promise<boolean>
  /** Decides with the login locked, so that two who present one token are served one after the other. Null: no such token. */
  refresh(
    digest: string,
    atMs: number,
    decide: (facts: RefreshFacts) => RefreshDecision,
  ): Promise<{
    readonly facts: RefreshFacts
    readonly decision: RefreshDecision
    readonly ended: EndedLogin | null
  } | null>
  /** Not ended and not expired, newest first. */
  list(userId: UserId, nowMs: number): Promise<readonly Login[]>
  /**
   * Ends a login, of `userId` only where that is given. Null where there is none such or it had ended. After it resolves no
   * write of this login is committed any more, in any process.
   */
  end(
    loginId: LoginId,
    userId: UserId | null,
    reason: LoginEndReason,
    atMs: number,
  ): Promise<EndedLogin | null>
  /**
   * Deletes logins that ended or expired before `beforeMs`, with their refresh tokens, and reset codes that expired before it:
   * at most `limit` of each. How many it deleted of all three together; 0 when nothing is left that no one else is deleting.
   */
  forget(beforeMs: number, limit: number): Promise<number>
}
