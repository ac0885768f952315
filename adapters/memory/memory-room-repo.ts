import type { Actor } from '../../core/domain/account.js'
import type { Denial } from '../../core/domain/denial.js'
import type { RoomId, UserId } from '../../core/domain/ids.js'
import { fail, ok, type Result } from '../../core/domain/result.js'
import type { Room, Standing } from '../../core/domain/room.js'
import type { RoomChange, RoomSnapshot } from '../../core/domain/room-event.js'
import type {
  Creation,
  CreationKey,
  ReadMarker,
  RoomAccess,
  RoomOfUser,
  RoomPage,
  RoomRepoPort,
} from '../../core/ports/room-repo-port.js'
import type { MemoryDatabase } from './memory-database.js'
import type { MemoryRoom } from './memory-room.js'
import type { MemoryRoomLog } from './memory-room-log.js'

/** Rooms in memory. Creations are told to the listeners of `log`, the log of the same process. */
export class MemoryRoomRepo implements RoomRepoPort {
  constructor(
    private readonly database: MemoryDatabase,
    private readonly log: Pick<MemoryRoomLog, 'tell'>,
  ) {}

  async create(
    fields: Omit<Room, 'headSeq'>,
    owner: Actor,
    key: CreationKey | null,
  ): Promise<Result<Creation<Room>, Denial>> {
    if (!this.database.isLive(owner, fields.createdAtMs)) return fail('login-ended')
    const find = (id: string) => this.database.rooms.get(id)?.room ?? null
    const make = () => ({ id: fields.id, value: this.open(fields, owner.userId) })
    const creation = this.database.createOnce('room', owner.userId, key, make, find)
    const isTheirs = creation.outcome !== 'found' || this.isMember(creation.value.id, owner.userId)
    return isTheirs ? ok(creation) : fail('no-member')
  }

  async access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null> {
    const room = this.database.rooms.get(roomId)
    const member = room?.member(userId)
    if (room === undefined || member == null) return null
    return { room: room.room, heads: room.heads, role: member.role, readSeq: member.readSeq }
  }

  async listFor(userId: UserId, after: RoomId | null, limit: number): Promise<RoomPage> {
    const found = this.database
      .roomsOf(userId)
      .filter(({ room }) => after === null || room.id < after)
      .toSorted((a, b) => (a.room.id < b.room.id ? 1 : -1))
    const rooms = found.slice(0, limit).flatMap((room) => {
      const member = room.member(userId)
      if (member === null) return []
      const { role, readSeq } = member
      return [{ room: room.room, role, readSeq, unread: room.unread(userId) }]
    })
    return { rooms, nextAfter: found.length > limit ? (rooms.at(-1)?.room.id ?? null) : null }
  }

  async members(roomId: RoomId) {
    const room = this.database.rooms.get(roomId)
    return { members: room?.members() ?? [], headSeq: room?.heads.head ?? 0 }
  }

  async snapshot(roomId: RoomId, userId: UserId, messageLimit: number): Promise<RoomSnapshot | null> {
    const room = this.database.rooms.get(roomId)
    const member = room?.member(userId)
    if (room === undefined || member == null) return null
    const messages = messageLimit === 0 ? [] : room.between(0, Number.POSITIVE_INFINITY).slice(-messageLimit)
    return {
      room: room.room,
      headSeq: room.heads.head,
      role: member.role,
      members: room.members(),
      messages,
    }
  }

  async markRead(
    roomId: RoomId,
    actor: Actor,
    seq: number,
    atMs: number,
  ): Promise<Result<ReadMarker, Denial>> {
    if (!this.database.isLive(actor, atMs)) return fail('login-ended')
    const marker = this.database.rooms.get(roomId)?.markRead(actor.userId, seq)
    return marker == null ? fail('no-member') : ok(marker)
  }

  async standings(of: readonly RoomOfUser[]): Promise<readonly Standing[]> {
    return of.flatMap(({ roomId, userId }) => {
      const room = this.database.rooms.get(roomId)
      return room === undefined ? [] : (standing(room, userId) ?? [])
    })
  }

  async newestRoomIds(userId: UserId, limit: number): Promise<readonly RoomId[]> {
    const roomIds = this.database.roomsOf(userId).map(({ room }) => room.id)
    return roomIds.toSorted().toReversed().slice(0, limit)
  }

  async roomIdsOf(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly RoomId[]>> {
    return new Map(
      userIds.map((userId) => [userId, this.database.roomsOf(userId).map(({ room }) => room.id)]),
    )
  }

  private isMember(roomId: RoomId, userId: UserId): boolean {
    return this.database.rooms.get(roomId)?.isMember(userId) === true
  }

  private open(fields: Omit<Room, 'headSeq'>, ownerId: UserId): Room {
    const room = this.database.addRoom(fields)
    const atMs = fields.createdAtMs
    const displayName = this.database.displayName(ownerId)
    const member = { userId: ownerId, displayName, role: 'owner', joinedAtMs: atMs, readSeq: 0 } as const
    const changes: RoomChange[] = [{ type: 'member.joined', member, invitationCode: null }]
    const commit = room.draftCommit(changes, ownerId, atMs)
    this.database.append(room, changes, commit)
    this.log.tell([commit])
    return room.room
  }
}

function standing(room: MemoryRoom, userId: UserId): Standing | null {
  const member = room.member(userId)
  if (member === null && !room.wasMember(userId)) return null
  return {
    roomId: room.room.id,
    userId,
    role: member?.role ?? null,
    headSeq: room.heads.head,
    readSeq: room.readSeq(userId),
    unread: member === null ? 0 : room.unread(userId),
  }
}
