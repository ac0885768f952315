import type { Actor, EndedLogin, User } from '../../core/domain/account.js'
import { emailKey } from '../../core/domain/email.js'
import type { UserId } from '../../core/domain/ids.js'
import type { AccountRepoPort, Credentials, NewLogin } from '../../core/ports/account-repo-port.js'
import { frozen } from './freeze.js'
import type { Account, MemoryDatabase } from './memory-database.js'
import type { MemoryRoomLog } from './memory-room-log.js'

type Profile = Parameters<AccountRepoPort['updateProfile']>[1]

/** Accounts in memory. New display names are told to the listeners of `log`, the log of the same process. */
export class MemoryAccountRepo implements AccountRepoPort {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly log: Pick<MemoryRoomLog, 'tell'>,
  ) {}

  async create(user: User, passwordHash: string, first: NewLogin): Promise<boolean> {
    const key = emailKey(user.email)
    if (this.database.userIdByEmail.has(key)) return false
    this.database.userIdByEmail.set(key, user.id)
    this.database.accounts.set(user.id, {
      user: frozen(user),
      passwordHash,
      disabledAtMs: null,
      resetCode: null,
    })
    this.database.openLogin(first)
    return true
  }

  async findByEmail(email: string): Promise<Credentials | null> {
    return credentialsOf(this.database.account(email))
  }

  async find(userId: UserId): Promise<Credentials | null> {
    return credentialsOf(this.database.accounts.get(userId) ?? null)
  }

  async updateProfile(actor: Actor, profile: Profile, atMs: number): Promise<User | null> {
    const { userId } = actor
    const account = this.database.accounts.get(userId)
    if (account === undefined || !this.database.isLive(actor, atMs)) return null
    const { displayName: nameBefore, mediation } = account.user
    const displayName = profile.displayName ?? nameBefore
    account.user = frozen({ ...account.user, displayName, mediation: profile.mediation ?? mediation })
    if (displayName !== nameBefore) this.announceName(userId, displayName, atMs)
    return account.user
  }

  async rehash(userId: UserId, from: string, to: string): Promise<void> {
    const account = this.database.accounts.get(userId)
    if (account?.passwordHash === from) account.passwordHash = to
  }

  async setPassword(actor: Actor, passwordHash: string, atMs: number): Promise<readonly EndedLogin[] | null> {
    const account = this.database.accounts.get(actor.userId)
    if (account === undefined || !this.database.isLive(actor, atMs)) return null
    account.passwordHash = passwordHash
    return this.database.endLoginsOf(actor.userId, 'password-changed', atMs, actor.loginId)
  }

  async setDisabled(userId: UserId, disabled: boolean, atMs: number): Promise<readonly EndedLogin[] | null> {
    const account = this.database.accounts.get(userId)
    if (account === undefined) return null
    account.disabledAtMs = disabled ? (account.disabledAtMs ?? atMs) : null
    return disabled ? this.database.endLoginsOf(userId, 'disabled', atMs) : []
  }

  async putResetCode(userId: UserId, digest: string, expiresAtMs: number): Promise<boolean> {
    const account = this.database.accounts.get(userId)
    if (account === undefined) return false
    account.resetCode = { digest, expiresAtMs }
    return true
  }

  async resetPassword(
    email: string,
    codeDigest: string,
    passwordHash: string,
    atMs: number,
  ): Promise<readonly EndedLogin[] | null> {
    const account = this.database.account(email)
    const code = account?.resetCode
    if (account === null || code == null || code.digest !== codeDigest || atMs >= code.expiresAtMs)
      return null
    account.resetCode = null
    account.passwordHash = passwordHash
    return this.database.endLoginsOf(account.user.id, 'password-changed', atMs)
  }

  private announceName(userId: UserId, displayName: string, atMs: number): void {
    const commits = this.database.roomsOf(userId).flatMap((room) => {
      const role = room.member(userId)?.role
      if (role === undefined) return []
      const changes = [{ type: 'member.changed', userId, role, displayName } as const]
      const commit = room.draftCommit(changes, userId, atMs)
      this.database.append(room, changes, commit)
      return [commit]
    })
    this.log.tell(commits)
  }
}

function credentialsOf(account: Account | null): Credentials | null {
  if (account === null) return null
  const { user, passwordHash, disabledAtMs } = account
  return { user, passwordHash, disabledAtMs }
}
