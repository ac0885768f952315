import type { SocketId } from '../../core/domain/ids.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'
import type { Sql, Transaction } from './connection.js'
import type { Database } from './database.js'
import { GatheredCalls } from './gathered-calls.js'
import { ProcessLease } from './process-lease.js'

const PORT = 'SessionPort'

/** `session: null` removes. */
type Change = { readonly socketId: SocketId; readonly session: LiveSession | null }

/** Live sessions of all processes. A session counts while its login has not ended and its process has a lease. */
export class PostgresSessions implements SessionPort {
  private readonly own = new Map<SocketId, LiveSession>()
  private readonly changes: GatheredCalls<Change, undefined>

  /** The lease is that of this process's presence: beating it keeps the sessions, too. */
  constructor(
    private readonly database: Database,
    private readonly lease = ProcessLease.of(database),
  ) {
    lease.onLost(() => this.restore())
    this.changes = new GatheredCalls((batch) => this.change(batch), {
      port: PORT,
      maxBatch: 500,
      maxWaiting: 50_000,
      deadlineMs: database.queryDeadlineMs,
      keyOf: ({ socketId }) => socketId,
    })
  }

  put(session: LiveSession): Promise<void> {
    this.own.set(session.socketId, session)
    return this.make({ socketId: session.socketId, session })
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ user_id: string; login_id: string; connected_at_ms: number }[]>`
        select sessions.user_id, sessions.login_id, sessions.connected_at_ms
        from live_sessions as sessions
        join process_leases as lease on lease.boot_id = sessions.boot_id
        join logins on logins.id = sessions.login_id
        where sessions.socket_id = ${socketId}
          and lease.expires_at > clock_timestamp() and logins.ended_at_ms is null`,
    )
    if (row === undefined) return null
    return { socketId, userId: row.user_id, loginId: row.login_id, connectedAtMs: row.connected_at_ms }
  }

  remove(socketId: SocketId): Promise<void> {
    this.own.delete(socketId)
    return this.make({ socketId, session: null })
  }

  private async make(change: Change): Promise<void> {
    try {
      await this.changes.call(change)
    } catch (error) {
      // Whether it was carried out or not: the next renewal makes it good.
      this.lease.doubt()
      throw error
    }
  }

  /** Changes of different sockets, so their order does not matter. */
  private async change(batch: readonly Change[]): Promise<readonly undefined[]> {
    const put = batch.flatMap(({ session }) => session ?? [])
    const removed = batch.filter(({ session }) => session === null).map(({ socketId }) => socketId)
    await this.lease.ensure()
    if (put.length > 0) await this.database.call(PORT, (sql) => this.insert(sql, put))
    if (removed.length > 0)
      await this.database.call(
        PORT,
        (sql) => sql`delete from live_sessions where socket_id = any(${removed}::text[])`,
      )
    return batch.map(() => undefined)
  }

  private async restore(): Promise<void> {
    const sessions = [...this.own.values()]
    const socketIds = sessions.map(({ socketId }) => socketId)
    await this.database.transaction(PORT, async (tx) => {
      await tx`
        delete from live_sessions
        where boot_id = ${this.lease.bootId} and socket_id <> all(${socketIds}::text[])`
      if (sessions.length > 0) await this.insert(tx, sessions)
    })
  }

  private insert(sql: Sql | Transaction, sessions: readonly LiveSession[]): PromiseLike<unknown> {
    return sql`
      insert into live_sessions (socket_id, user_id, login_id, boot_id, connected_at_ms)
      select socket_id, user_id, login_id, ${this.lease.bootId}, connected_at_ms
      from unnest(
        ${sessions.map(({ socketId }) => socketId)}::text[],
        ${sessions.map(({ userId }) => userId)}::uuid[],
        ${sessions.map(({ loginId }) => loginId)}::uuid[],
        ${sessions.map(({ connectedAtMs }) => connectedAtMs)}::bigint[]
      ) as given (socket_id, user_id, login_id, connected_at_ms)
      on conflict (socket_id) do update set
        user_id = excluded.user_id, login_id = excluded.login_id,
        boot_id = excluded.boot_id, connected_at_ms = excluded.connected_at_ms`
  }
}
