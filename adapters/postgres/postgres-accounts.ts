import type { Actor, EndedLogin, User } from '../../core/domain/account.js'
import { emailKey } from '../../core/domain/email.js'
import type { UserId } from '../../core/domain/ids.js'
import type { AccountRepoPort, Credentials, NewLogin } from '../../core/ports/account-repo-port.js'
import { insertLogin, keepOutNewLogins, markEnded, toUser, type UserRow, userValues } from './account-rows.js'
import type { CommitListeners } from './commit-listeners.js'
import type { Database } from './database.js'
import { isStillLive } from './live-login.js'
import { appendRenaming } from './renaming.js'
import { waitForWrites } from './write-barrier.js'

const PORT = 'AccountRepoPort'

type CredentialsRow = UserRow & { readonly password_hash: string; readonly disabled_at_ms: number | null }

const toCredentials = (row: CredentialsRow | undefined): Credentials | null =>
  row === undefined
    ? null
    : { user: toUser(row), passwordHash: row.password_hash, disabledAtMs: row.disabled_at_ms }

/** Users, their passwords and reset codes. */
export class PostgresAccounts implements AccountRepoPort {
  /** `listeners` are those of the room log: a new name appends to rooms. */
  constructor(
    private readonly database: Database,
    private readonly listeners: CommitListeners,
  ) {}

  create(user: User, passwordHash: string, first: NewLogin): Promise<boolean> {
    return this.database.transaction(PORT, async (tx) => {
      const created = await tx`
        insert into users ${tx(userValues(user, passwordHash))} on conflict (email_key) do nothing`
      if (created.count === 0) return false
      await insertLogin(tx, first)
      return true
    })
  }

  async findByEmail(email: string): Promise<Credentials | null> {
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<CredentialsRow[]>`select * from users where email_key = ${emailKey(email)}`,
    )
    return toCredentials(row)
  }

  async find(userId: UserId): Promise<Credentials | null> {
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<CredentialsRow[]>`select * from users where id = ${userId}`,
    )
    return toCredentials(row)
  }

  async updateProfile(
    actor: Actor,
    profile: { readonly displayName?: string; readonly mediation?: 'on' | 'off' },
    atMs: number,
  ): Promise<User | null> {
    const written = await this.database.transaction(PORT, async (tx) => {
      const { userId } = actor
      const [before] = await tx<UserRow[]>`select * from users where id = ${userId} for no key update`
      if (before === undefined || !(await isStillLive(tx, actor, atMs))) return null
      const { displayName, mediation } = { ...toUser(before), ...profile }
      await tx`update users set display_name = ${displayName}, mediation = ${mediation} where id = ${userId}`
      return {
        user: { ...toUser(before), displayName, mediation },
        commits: await appendRenaming(tx, userId, atMs),
      }
    })
    if (written === null) return null
    this.listeners.tell(written.commits)
    // Also where the name is what it was: an earlier call may have failed between the two steps.
    if (profile.displayName !== undefined) await this.tellRoomsJoinedMeanwhile(actor.userId, atMs)
    return written.user
  }

  /** A transaction that was under way may have let the user into a room under the old name. */
  private async tellRoomsJoinedMeanwhile(userId: UserId, atMs: number): Promise<void> {
    await waitForWrites(this.database, PORT)
    this.listeners.tell(await this.database.transaction(PORT, (tx) => appendRenaming(tx, userId, atMs)))
  }

  async rehash(userId: UserId, from: string, to: string): Promise<void> {
    await this.database.call(
      PORT,
      (sql) => sql`update users set password_hash = ${to} where id = ${userId} and password_hash = ${from}`,
    )
  }

  async setPassword(actor: Actor, passwordHash: string, atMs: number): Promise<readonly EndedLogin[] | null> {
    const ended = await this.database.transaction(PORT, async (tx) => {
      const { userId, loginId } = actor
      await keepOutNewLogins(tx, userId)
      if (!(await isStillLive(tx, actor, atMs))) return null
      const { count } = await tx`update users set password_hash = ${passwordHash} where id = ${userId}`
      return count === 0 ? null : markEnded(tx, { userId, keep: loginId }, 'password-changed', atMs)
    })
    if (ended !== null) await waitForWrites(this.database, PORT)
    return ended
  }

  async setDisabled(userId: UserId, disabled: boolean, atMs: number): Promise<readonly EndedLogin[] | null> {
    const ended = await this.database.transaction(PORT, async (tx) => {
      await keepOutNewLogins(tx, userId)
      const updated = await tx`
        update users set disabled_at_ms = ${disabled ? tx`coalesce(disabled_at_ms, ${atMs})` : null}
        where id = ${userId}`
      if (updated.count === 0) return null
      return disabled ? markEnded(tx, { userId, keep: null }, 'disabled', atMs) : []
    })
    if (disabled && ended !== null) await waitForWrites(this.database, PORT)
    return ended
  }

  async putResetCode(userId: UserId, codeDigest: string, expiresAtMs: number): Promise<boolean> {
    const stored = await this.database.call(
      PORT,
      (sql) => sql`
        insert into reset_codes (user_id, digest, expires_at_ms)
        select id, ${codeDigest}, ${expiresAtMs} from users where id = ${userId}
        on conflict (user_id) do update set digest = excluded.digest, expires_at_ms = excluded.expires_at_ms`,
    )
    return stored.count > 0
  }

  async resetPassword(
    email: string,
    codeDigest: string,
    passwordHash: string,
    atMs: number,
  ): Promise<readonly EndedLogin[] | null> {
    const ended = await this.database.transaction(PORT, async (tx) => {
      const [spent] = await tx<{ user_id: string }[]>`
        delete from reset_codes using users
        where users.id = reset_codes.user_id and users.email_key = ${emailKey(email)}
          and reset_codes.digest = ${codeDigest} and reset_codes.expires_at_ms > ${atMs}
        returning reset_codes.user_id`
      if (spent === undefined) return null
      const userId = spent.user_id
      await keepOutNewLogins(tx, userId)
      await tx`update users set password_hash = ${passwordHash} where id = ${userId}`
      return markEnded(tx, { userId, keep: null }, 'password-changed', atMs)
    })
    if (ended !== null) await waitForWrites(this.database, PORT)
    return ended
  }
}
