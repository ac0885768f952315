import type { Actor, EndedLogin, Login, LoginEndReason, User } from '../../core/domain/account.js'
import { emailKey } from '../../core/domain/email.js'
import type { LoginId, MessageId, RoomId, UserId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Room } from '../../core/domain/room.js'
import type { RoomChange, RoomCommit } from '../../core/domain/room-event.js'
import type { NewLogin } from '../../core/ports/account-repo-port.js'
import type { Creation, CreationKey } from '../../core/ports/room-repo-port.js'
import type { StoredSettings } from '../../core/ports/settings-repo-port.js'
import { frozen } from './freeze.js'
import { MemoryRoom } from './memory-room.js'

export type Account = {
  user: User
  passwordHash: string
  disabledAtMs: number | null
  resetCode: { readonly digest: string; readonly expiresAtMs: number } | null
}

export type StoredLogin = { login: Login; ended: EndedLogin | null; readonly placeDigest: string | null }

/** A refresh token, by its digest. */
export type StoredToken = {
  readonly loginId: LoginId
  /** Digest of the token that it was issued for. */
  readonly parent: string | null
  spentAtMs: number | null
  successorSpent: boolean
}

/**
 * What the memory repositories of one or several processes share. Each method is one step that nothing else comes between:
 * there are no transactions because there is no waiting.
 */
export class MemoryDatabase {
  readonly rooms = new Map<RoomId, MemoryRoom>()
  readonly invitations = new Map<string, Invitation>()
  readonly accounts = new Map<UserId, Account>()
  readonly userIdByEmail = new Map<string, UserId>()
  readonly logins = new Map<LoginId, StoredLogin>()
  readonly tokens = new Map<string, StoredToken>()
  readonly endedLogins: EndedLogin[] = []
  settings: StoredSettings = frozen({ version: 0, lifetimes: {} })
  private readonly roomIdByMessage = new Map<MessageId, RoomId>()
  private readonly creations = new Map<string, { readonly bodyDigest: string; readonly id: string }>()

  displayName(userId: UserId): string {
    const account = this.accounts.get(userId)
    if (account === undefined) throw new Error(`there is no user ${userId}`)
    return account.user.displayName
  }

  roomsOf(userId: UserId): readonly MemoryRoom[] {
    return [...this.rooms.values()].filter((room) => room.isMember(userId))
  }

  roomOfMessage(messageId: MessageId): MemoryRoom | null {
    const roomId = this.roomIdByMessage.get(messageId)
    return (roomId === undefined ? undefined : this.rooms.get(roomId)) ?? null
  }

  addRoom(fields: Omit<Room, 'headSeq'>): MemoryRoom {
    if (this.rooms.has(fields.id)) throw new Error(`there is a room ${fields.id} already`)
    return new MemoryRoom(fields, (userId) => this.displayName(userId))
  }

  /** Appends what `prepare` drafted: the commit, and the rows that its changes name. */
  append(room: MemoryRoom, changes: readonly RoomChange[], commit: RoomCommit): void {
    this.rooms.set(commit.roomId, room)
    room.append(changes, commit)
    for (const change of changes) {
      if (change.type === 'message.sent') this.roomIdByMessage.set(change.draft.id, commit.roomId)
      if (change.type === 'member.joined' && change.invitationCode !== null)
        this.useInvitation(change.invitationCode)
    }
  }

  account(email: string): Account | null {
    return this.accounts.get(this.userIdByEmail.get(emailKey(email)) ?? '') ?? null
  }

  openLogin({ login, refreshDigest, placeDigest }: NewLogin): void {
    this.logins.set(login.id, { login: frozen(login), ended: null, placeDigest: placeDigest ?? null })
    this.issueToken(refreshDigest, login.id, null)
  }

  issueToken(digest: string, loginId: LoginId, parent: string | null): void {
    this.tokens.set(digest, { loginId, parent, spentAtMs: null, successorSpent: false })
  }

  /** Null where it had ended. */
  endLogin(stored: StoredLogin, reason: LoginEndReason, endedAtMs: number): EndedLogin | null {
    if (stored.ended !== null) return null
    const { id: loginId, userId } = stored.login
    stored.ended = Object.freeze({ loginId, userId, reason, endedAtMs })
    this.endedLogins.push(stored.ended)
    return stored.ended
  }

  endLoginsOf(
    userId: UserId,
    reason: LoginEndReason,
    atMs: number,
    keep: LoginId | null = null,
  ): readonly EndedLogin[] {
    const others = [...this.logins.values()].filter(
      ({ login }) => login.userId === userId && login.id !== keep,
    )
    return others.flatMap((stored) => this.endLogin(stored, reason, atMs) ?? [])
  }

  /** Deletes logins that ended or expired before, with their tokens, at most `limit` of each; how many of both. */
  forgetLogins(beforeMs: number, limit: number): number {
    const due = [...this.logins.values()].filter(
      ({ login, ended }) => (ended?.endedAtMs ?? login.expiresAtMs) < beforeMs,
    )
    const loginIds = new Set(due.slice(0, limit).map(({ login }) => login.id))
    const tokens = [...this.tokens].filter(([, { loginId }]) => loginIds.has(loginId))
    for (const [digest] of tokens.slice(0, limit)) this.tokens.delete(digest)
    // One that has more tokens than may go at once waits for the next call.
    for (const [, { loginId }] of tokens.slice(limit)) loginIds.delete(loginId)
    for (const loginId of loginIds) this.logins.delete(loginId)
    const kept = this.endedLogins.filter(({ loginId }) => !loginIds.has(loginId))
    this.endedLogins.splice(0, this.endedLogins.length, ...kept)
    return Math.min(tokens.length, limit) + loginIds.size
  }

  forgetResetCodes(beforeMs: number, limit: number): number {
    const due = [...this.accounts.values()].filter(
      ({ resetCode }) => resetCode !== null && resetCode.expiresAtMs < beforeMs,
    )
    for (const account of due.slice(0, limit)) account.resetCode = null
    return Math.min(due.length, limit)
  }

  /** Whether a login ended; for what identifies by login, such as live sessions. */
  hasEnded(loginId: LoginId): boolean {
    return this.logins.get(loginId)?.ended != null
  }

  isLive({ userId, loginId }: Actor, nowMs: number): boolean {
    if (loginId === null) return true
    const stored = this.logins.get(loginId)
    if (stored === undefined || stored.ended !== null || stored.login.userId !== userId) return false
    return nowMs < stored.login.expiresAtMs && this.accounts.get(userId)?.disabledAtMs === null
  }

  /** Creates by `make`, unless the same user made the same call before. */
  createOnce<T>(
    kind: 'room' | 'invitation',
    userId: UserId,
    key: CreationKey | null,
    make: () => { readonly id: string; readonly value: T },
    find: (id: string) => T | null,
  ): Creation<T> {
    const known = key === null ? undefined : this.creations.get(`${kind} ${userId} ${key.clientId}`)
    if (known !== undefined && known.bodyDigest !== key?.bodyDigest) return { outcome: 'conflict' }
    const found = known === undefined ? null : find(known.id)
    if (found !== null) return { outcome: 'found', value: found }
    const { id, value } = make()
    if (key !== null)
      this.creations.set(`${kind} ${userId} ${key.clientId}`, { bodyDigest: key.bodyDigest, id })
    return { outcome: 'created', value }
  }

  private useInvitation(code: string): void {
    const invitation = this.invitations.get(code)
    if (invitation !== undefined)
      this.invitations.set(code, Object.freeze({ ...invitation, uses: invitation.uses + 1 }))
  }
}
