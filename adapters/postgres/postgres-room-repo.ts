import type { Actor } from '../../core/domain/account.js'
import type { Denial } from '../../core/domain/denial.js'
import { isId, type RoomId, type UserId } from '../../core/domain/ids.js'
import { fail, ok, type Result } from '../../core/domain/result.js'
import type { Role } from '../../core/domain/role.js'
import type { Room, Standing } from '../../core/domain/room.js'
import { type RoomCommit, type RoomSnapshot, raise, toRoomEvent } from '../../core/domain/room-event.js'
import type {
  Creation,
  CreationKey,
  ReadMarker,
  RoomAccess,
  RoomOfUser,
  RoomPage,
  RoomRepoPort,
} from '../../core/ports/room-repo-port.js'
import type { CommitListeners } from './commit-listeners.js'
import type { Transaction } from './connection.js'
import { claimCreation } from './creations.js'
import type { Database } from './database.js'
import type { GatheredCalls } from './gathered-calls.js'
import { gatheredReads, SharedReads } from './gathered-reads.js'
import { isStillLive, loginIsLive } from './live-login.js'
import { RoomChangeRows } from './room-change-rows.js'
import {
  type AccessRead,
  type MarkerRow,
  membersOf,
  type RoomIdsRead,
  type RoomRead,
  type RoomReading,
  readAccess,
  readNewestRoomIds,
  readRoomIdsOf,
  readRooms,
} from './room-reads.js'
import { type MemberRow, type RoomRow, roomColumns, toMember, toRoom } from './room-rows.js'
import { unreadCount } from './unread-count.js'
import { passBarrier } from './write-barrier.js'

const PORT = 'RoomRepoPort'
/** Of reads whose rows are few and small. */
const SHORT_READS_MAX = 200

const keyOfRoom = ({ roomId, messageLimit }: RoomRead): string => `${roomId} ${messageLimit}`

type MovedRow = {
  readonly is_live: boolean
  readonly read_seq: number | null
  readonly moved: boolean | null
}

/** Rooms, members and read markers in Postgres; each read is one statement, so it is of one moment. */
export class PostgresRoomRepo implements RoomRepoPort {
  private readonly accesses: GatheredCalls<AccessRead, RoomAccess | null>
  private readonly readings: SharedReads<RoomRead, RoomReading | null>
  private readonly roomIds: GatheredCalls<RoomIdsRead, readonly RoomId[]>
  private readonly roomIdsOfUsers: GatheredCalls<readonly UserId[], ReadonlyMap<UserId, readonly RoomId[]>>

  constructor(
    private readonly database: Database,
    private readonly listeners: CommitListeners,
  ) {
    this.accesses = gatheredReads(database, PORT, readAccess, SHORT_READS_MAX)
    this.readings = new SharedReads(database, PORT, readRooms, keyOfRoom)
    this.roomIds = gatheredReads(database, PORT, readNewestRoomIds, SHORT_READS_MAX)
    this.roomIdsOfUsers = gatheredReads(database, PORT, readRoomIdsOf, SHORT_READS_MAX)
  }

  async create(
    room: Omit<Room, 'headSeq'>,
    owner: Actor,
    key: CreationKey | null,
  ): Promise<Result<Creation<Room>, Denial>> {
    const commits: RoomCommit[] = []
    const created = await this.database.transaction<Result<Creation<Room>, Denial>>(PORT, async (tx) => {
      commits.length = 0
      if (!(await isStillLive(tx, owner, room.createdAtMs))) return fail('login-ended')
      if (key !== null) {
        const claim = await claimCreation(tx, owner.userId, 'room', key, room.id)
        if (claim.outcome === 'conflict') return ok({ outcome: 'conflict' })
        if (claim.outcome === 'found') {
          const found = await findRoom(tx, claim.id, owner.userId)
          return found === null ? fail('no-member') : ok({ outcome: 'found', value: found })
        }
      }
      commits.push(await insertRoom(tx, room, owner.userId))
      return ok({ outcome: 'created', value: { ...room, headSeq: FIRST_SEQ } })
    })
    this.listeners.tell(commits)
    return created
  }

  async access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null> {
    return isId(roomId) && isId(userId) ? this.accesses.call({ roomId, userId }) : null
  }

  async listFor(userId: UserId, after: RoomId | null, limit: number): Promise<RoomPage> {
    const rows = await this.database.call(
      PORT,
      (sql) => sql<(RoomRow & MarkerRow & { unread: number })[]>`
        select ${roomColumns(sql)}, m.role, m.read_seq, ${unreadCount(sql)} as unread
        from room_members m join rooms r on r.id = m.room_id
        where m.user_id = ${userId} and m.left_at_ms is null
          ${after === null ? sql`` : sql`and m.room_id < ${after}`}
        order by m.room_id desc limit ${limit + 1}`,
    )
    const rooms = rows.slice(0, limit).map((row) => ({
      room: toRoom(row),
      role: row.role,
      readSeq: row.read_seq,
      unread: row.unread,
    }))
    return { rooms, nextAfter: rows.length > limit ? (rooms.at(-1)?.room.id ?? null) : null }
  }

  async members(roomId: RoomId) {
    if (!isId(roomId)) return { members: [], headSeq: 0 }
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ head: number; members: MemberRow[] }[]>`
        select r.head, ${membersOf(sql)} as members from rooms r where r.id = ${roomId}`,
    )
    return { members: row?.members.map(toMember) ?? [], headSeq: row?.head ?? 0 }
  }

  async snapshot(roomId: RoomId, userId: UserId, messageLimit: number): Promise<RoomSnapshot | null> {
    const reading = isId(roomId) ? await this.readings.call({ roomId, messageLimit }) : null
    const member = reading?.members.find((present) => present.userId === userId)
    return reading === null || member === undefined ? null : { ...reading, role: member.role }
  }

  async markRead(
    roomId: RoomId,
    actor: Actor,
    seq: number,
    atMs: number,
  ): Promise<Result<ReadMarker, Denial>> {
    const { userId } = actor
    if (!isId(roomId) || !isId(userId)) return fail('no-member')
    const move = (tx: Transaction) => tx<MovedRow[]>`
      with login as (select ${loginIsLive(tx, actor, atMs)} as is_live), marker as (
        select m.read_seq as before, least(${seq}::bigint, r.head) as wanted
        from room_members m join rooms r on r.id = m.room_id
        where m.room_id = ${roomId} and m.user_id = ${userId} and m.left_at_ms is null
          and (select is_live from login)
        for no key update of m
      ), moved as (
        update room_members m set read_seq = marker.wanted from marker
        where m.room_id = ${roomId} and m.user_id = ${userId} and marker.wanted > marker.before
      )
      select is_live, greatest(before, wanted) as read_seq, wanted > before as moved
      from login left join marker on true`
    const [, [row]] = await this.database.transaction(PORT, (tx) =>
      Promise.all([passBarrier(tx).execute(), move(tx).execute()]),
    )
    if (row?.is_live !== true) return fail('login-ended')
    return row.read_seq === null || row.moved === null
      ? fail('no-member')
      : ok({ readSeq: row.read_seq, moved: row.moved })
  }

  async standings(of: readonly RoomOfUser[]): Promise<readonly Standing[]> {
    type Row = {
      room_id: string
      user_id: string
      role: Role | null
      head: number
      read_seq: number
      unread: number
    }
    const wanted = of.filter(({ roomId, userId }) => isId(roomId) && isId(userId))
    if (wanted.length === 0) return []
    const rows = await this.database.call(
      PORT,
      (sql) => sql<Row[]>`
        select m.room_id, m.user_id, r.head, m.read_seq,
          case when m.left_at_ms is null then m.role end as role,
          case when m.left_at_ms is null then ${unreadCount(sql)} else 0 end as unread
        from unnest(
          ${wanted.map(({ roomId }) => roomId)}::uuid[], ${wanted.map(({ userId }) => userId)}::uuid[]
        ) as w(room_id, user_id)
        join room_members m on m.room_id = w.room_id and m.user_id = w.user_id
        join rooms r on r.id = m.room_id`,
    )
    return rows.map((row) => ({
      roomId: row.room_id,
      userId: row.user_id,
      role: row.role,
      headSeq: row.head,
      readSeq: row.read_seq,
      unread: row.unread,
    }))
  }

  async newestRoomIds(userId: UserId, limit: number): Promise<readonly RoomId[]> {
    return isId(userId) ? this.roomIds.call({ userId, limit }) : []
  }

  async roomIdsOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly RoomId[]>> {
    return this.roomIdsOfUsers.call(userIds.filter(isId))
  }
}

const FIRST_SEQ = 1

/** Null where the user is not a member. */
async function findRoom(tx: Transaction, roomId: RoomId, userId: UserId): Promise<Room | null> {
  const [row] = await tx<RoomRow[]>`
    select ${roomColumns(tx)} from rooms r join room_members m on m.room_id = r.id
    where r.id = ${roomId} and m.user_id = ${userId} and m.left_at_ms is null`
  return row === undefined ? null : toRoom(row)
}

async function insertRoom(
  tx: Transaction,
  room: Omit<Room, 'headSeq'>,
  ownerId: UserId,
): Promise<RoomCommit> {
  const [owner] = await tx<{ display_name: string }[]>`select display_name from users where id = ${ownerId}`
  const joinedAtMs = room.createdAtMs
  const displayName = owner?.display_name ?? ''
  const member = { userId: ownerId, displayName, role: 'owner', joinedAtMs, readSeq: 0 } as const
  const change = { type: 'member.joined', member, invitationCode: null } as const
  const stamp = { seq: FIRST_SEQ, atMs: joinedAtMs, actorId: ownerId }
  const heads = raise({ head: 0, messages: 0, threads: 0, members: 0 }, change.type, FIRST_SEQ)
  const rows = new RoomChangeRows()
  rows.add(room.id, change, stamp)
  const inserted = tx`
    insert into rooms (
      id, name, kind, mediation, send_anyway, opt_out, created_at_ms,
      head, messages_head, threads_head, members_head
    ) values (
      ${room.id}, ${room.name}, ${room.kind}, ${room.mediation}, ${room.sendAnyway}, ${room.optOut},
      ${room.createdAtMs}, ${heads.head}, ${heads.messages}, ${heads.threads}, ${heads.members}
    )`.execute()
  await Promise.all([inserted, ...rows.send(tx)])
  return { roomId: room.id, heads, events: [toRoomEvent(change, stamp)] }
}
