import type { EndedLogin, Login, LoginEndReason } from '../../core/domain/account.js'
import type { LoginId, UserId } from '../../core/domain/ids.js'
import type {
  LoginRepoPort,
  NewLogin,
  RefreshDecision,
  RefreshFacts,
} from '../../core/ports/account-repo-port.js'
import { insertLogin, type LoginRow, toLogin, toUser, type UserRow } from './account-rows.js'
import type { Transaction } from './connection.js'
import type { Database } from './database.js'
import { waitForWrites } from './write-barrier.js'

const PORT = 'LoginRepoPort'

/** Far more than anyone has devices. */
const LIST_LIMIT = 1_000

type Refreshed = {
  readonly facts: RefreshFacts
  readonly decision: RefreshDecision
  readonly ended: EndedLogin | null
}

/** Logins and the refresh tokens that descend from them. */
export class PostgresLogins implements LoginRepoPort {
  constructor(private readonly database: Database) {}

  async open(first: NewLogin): Promise<void> {
    await this.database.transaction(PORT, (tx) => insertLogin(tx, first))
  }

  async wasOpenedFrom(placeDigest: string): Promise<boolean> {
    const rows = await this.database.call(
      PORT,
      (sql) => sql`select from logins where place_digest = ${placeDigest} limit 1`,
    )
    return rows.length > 0
  }

  async refresh(
    digest: string,
    atMs: number,
    decide: (facts: RefreshFacts) => RefreshDecision,
  ): Promise<Refreshed | null> {
    const refreshed = await this.database.transaction(PORT, async (tx) => {
      const facts = await lockedFacts(tx, digest)
      if (facts === null) return null
      const decision = decide(facts)
      if (decision.kind === 'issue') await issue(tx, facts.login.id, digest, decision.successorDigest, atMs)
      const ended =
        decision.kind === 'end' ? await end(tx, facts.login.id, null, decision.reason, atMs) : null
      return { facts, decision, ended }
    })
    if (refreshed?.decision.kind === 'end') await waitForWrites(this.database, PORT)
    return refreshed
  }

  async list(userId: UserId, nowMs: number): Promise<readonly Login[]> {
    const rows = await this.database.call(
      PORT,
      (sql) => sql<LoginRow[]>`
        select id, user_id, user_agent, created_at_ms, last_seen_at_ms, expires_at_ms from logins
        where user_id = ${userId} and ended_at_ms is null and expires_at_ms > ${nowMs}
        order by created_at_ms desc, id desc
        limit ${LIST_LIMIT}`,
    )
    return rows.map(toLogin)
  }

  async end(
    loginId: LoginId,
    userId: UserId | null,
    reason: LoginEndReason,
    atMs: number,
  ): Promise<EndedLogin | null> {
    const { ended, exists } = await this.database.transaction(PORT, async (tx) => {
      const ended = await end(tx, loginId, userId, reason, atMs)
      return { ended, exists: ended !== null || (await has(tx, loginId, userId)) }
    })
    // Also where it had ended: whoever ended it may still be waiting for its last writes.
    if (exists) await waitForWrites(this.database, PORT)
    return ended
  }

  forget(beforeMs: number, limit: number): Promise<number> {
    return this.database.transaction(PORT, (tx) => forget(tx, beforeMs, limit))
  }
}

/** What is known of a token and its login, read with the login locked; null where there is no such token. */
async function lockedFacts(tx: Transaction, digest: string): Promise<RefreshFacts | null> {
  type Row = LoginRow & {
    readonly ended_at_ms: number | null
    readonly disabled_at_ms: number | null
    readonly spent_at_ms: number | null
    readonly successor_spent: boolean
    readonly owner: UserRow
  }
  // Locked first and read after: a statement that waits for a lock goes on with what other tables held before the wait.
  const [, [row]] = await Promise.all([
    tx`
      select from logins where id = (select login_id from refresh_tokens where digest = ${digest})
      for no key update`,
    tx<Row[]>`
      select
        logins.*, users.disabled_at_ms, tokens.spent_at_ms,
        json_build_object(
          'id', users.id, 'email', users.email, 'display_name', users.display_name,
          'mediation', users.mediation, 'created_at_ms', users.created_at_ms
        ) as owner,
        exists (
          select from refresh_tokens as successors
          where successors.predecessor = tokens.digest and successors.spent_at_ms is not null
        ) as successor_spent
      from refresh_tokens as tokens
      join logins on logins.id = tokens.login_id
      join users on users.id = logins.user_id
      where tokens.digest = ${digest}`,
  ])
  if (row === undefined) return null
  return {
    login: toLogin(row),
    user: toUser(row.owner),
    ended: row.ended_at_ms !== null,
    disabled: row.disabled_at_ms !== null,
    spentAtMs: row.spent_at_ms,
    successorSpent: row.successor_spent,
  }
}

async function issue(
  tx: Transaction,
  loginId: LoginId,
  digest: string,
  successorDigest: string,
  atMs: number,
): Promise<void> {
  await Promise.all([
    tx`update refresh_tokens set spent_at_ms = ${atMs} where digest = ${digest} and spent_at_ms is null`,
    tx`insert into refresh_tokens ${tx({ digest: successorDigest, login_id: loginId, predecessor: digest })}`,
    tx`update logins set last_seen_at_ms = greatest(last_seen_at_ms, ${atMs}) where id = ${loginId}`,
  ])
}

async function end(
  tx: Transaction,
  loginId: LoginId,
  userId: UserId | null,
  reason: LoginEndReason,
  atMs: number,
): Promise<EndedLogin | null> {
  const [row] = await tx<{ user_id: string }[]>`
    update logins set ended_at_ms = ${atMs}, end_reason = ${reason}
    where id = ${loginId} and (${userId}::uuid is null or user_id = ${userId}) and ended_at_ms is null
    returning user_id`
  return row === undefined ? null : { loginId, userId: row.user_id, reason, endedAtMs: atMs }
}

async function has(tx: Transaction, loginId: LoginId, userId: UserId | null): Promise<boolean> {
  const rows = await tx`
    select from logins where id = ${loginId} and (${userId}::uuid is null or user_id = ${userId})`
  return rows.length > 0
}

/** Skips what is locked, so that several processes can do it at once: each has its own logins in hand. */
async function forget(tx: Transaction, beforeMs: number, limit: number): Promise<number> {
  const due = await tx<{ id: string }[]>`
    select id from logins
    where ended_at_ms < ${beforeMs} or (ended_at_ms is null and expires_at_ms < ${beforeMs})
    limit ${limit} for update skip locked`
  const loginIds = due.map(({ id }) => id)
  const deleted = await Promise.all([
    tx`
      delete from refresh_tokens where digest in (
        select digest from refresh_tokens where login_id = any(${loginIds}::uuid[]) limit ${limit}
      )`.execute(),
    // One that has more tokens than may go at once waits for the next call.
    tx`
      delete from logins where id = any(${loginIds}::uuid[])
        and not exists (select from refresh_tokens where refresh_tokens.login_id = logins.id)`.execute(),
    tx`
      delete from reset_codes where user_id in (
        select user_id from reset_codes where expires_at_ms < ${beforeMs} limit ${limit} for update skip locked
      )`.execute(),
  ])
  return deleted.reduce((sum, { count }) => sum + count, 0)
}
