import type { Actor } from '../../../core/domain/account.js'
import type { RoomId, UserId } from '../../../core/domain/ids.js'
import type { Standing } from '../../../core/domain/room.js'
import type { Parley } from '../../../core/parley.js'
import type { TouchedRoom } from '../../../core/use-cases/feed/room-feed.js'
import { Coalescer } from './coalescer.js'
import { type RealtimeServer, userChannel } from './wire.js'

/** A user is told of a room this often at most. */
const REPORT_INTERVAL_MS = 1_000
const RETRY_MS = 2_000
/** The newest rooms of a user are watched, so many at most. */
const WATCHED_MAX = 5_000

type Parts = { readonly io: RealtimeServer; readonly parley: Parley }

const merged = (older: ReadonlySet<UserId>, newer: ReadonlySet<UserId>): ReadonlySet<UserId> =>
  new Set([...older, ...newer])

/** Tells the users who are connected here how their rooms stand when one of them changes (`room:changed`). */
export class Standings {
  private readonly roomsOf = new Map<UserId, Set<RoomId>>()
  private readonly usersOf = new Map<RoomId, Set<UserId>>()
  /** Rooms that changed, each with those whose own membership did. */
  private readonly touched = new Coalescer<ReadonlySet<UserId>>(REPORT_INTERVAL_MS, merged, (batch) =>
    this.report(batch),
  )
  /** Rooms whose members read here; they are told wherever they are connected. */
  private readonly read = new Coalescer<ReadonlySet<UserId>>(REPORT_INTERVAL_MS, merged, (batch) =>
    this.reportRead(batch),
  )

  constructor(private readonly parts: Parts) {
    parts.parley.roomFeed.onTouched((touched) => this.onTouched(touched))
  }

  /** A user's first socket in this process has come. */
  async arrive(actor: Actor): Promise<void> {
    if (this.roomsOf.has(actor.userId)) return
    const rooms = new Set<RoomId>()
    this.roomsOf.set(actor.userId, rooms)
    await this.loadRooms(actor).catch(() => {
      if (this.roomsOf.get(actor.userId) !== rooms) return
      this.depart(actor.userId)
      setTimeout(() => this.stillHere(actor.userId) && void this.arrive(actor), RETRY_MS).unref()
    })
  }

  /** A user's last socket in this process has gone. */
  depart(userId: UserId): void {
    for (const roomId of this.roomsOf.get(userId) ?? []) this.unwatch(roomId, userId)
    this.roomsOf.delete(userId)
  }

  /** A user has moved their read marker through this process. */
  hasRead(roomId: RoomId, userId: UserId): void {
    this.read.offer(roomId, new Set([userId]))
  }

  close(): void {
    this.touched.close()
    this.read.close()
  }

  private stillHere(userId: UserId): boolean {
    return this.parts.io.of('/').adapter.rooms.has(userChannel(userId))
  }

  private async loadRooms(actor: Actor): Promise<void> {
    const { value: roomIds } = await this.parts.parley.listRoomIds.execute(actor)
    for (const roomId of roomIds.slice(0, WATCHED_MAX)) this.watch(roomId, actor.userId)
  }

  private watch(roomId: RoomId, userId: UserId): void {
    const rooms = this.roomsOf.get(userId)
    if (rooms === undefined) return
    rooms.add(roomId)
    const users = this.usersOf.get(roomId)
    if (users === undefined) this.usersOf.set(roomId, new Set([userId]))
    else users.add(userId)
  }

  private unwatch(roomId: RoomId, userId: UserId): void {
    this.roomsOf.get(userId)?.delete(roomId)
    const users = this.usersOf.get(roomId)
    users?.delete(userId)
    if (users?.size === 0) this.usersOf.delete(roomId)
  }

  private onTouched({ roomId, memberIds }: TouchedRoom): void {
    const here = memberIds.filter((userId) => this.roomsOf.has(userId))
    for (const userId of here) this.watch(roomId, userId)
    if (this.usersOf.has(roomId)) this.touched.offer(roomId, new Set(here))
  }

  private report(batch: ReadonlyMap<RoomId, ReadonlySet<UserId>>): void {
    const roomIds = [...batch.keys()]
    const users = new Set(roomIds.flatMap((roomId) => [...(this.usersOf.get(roomId) ?? [])]))
    void this.ask(roomIds, users, (standing) => {
      if (this.usersOf.get(standing.roomId)?.has(standing.userId) !== true) return
      if (standing.role === null) this.unwatch(standing.roomId, standing.userId)
      this.tell(this.parts.io.local.to(userChannel(standing.userId)), standing)
    }).catch(() => {
      for (const [roomId, extra] of batch) this.touched.offer(roomId, extra)
    })
  }

  private reportRead(batch: ReadonlyMap<RoomId, ReadonlySet<UserId>>): void {
    const users = new Set([...batch.values()].flatMap((userIds) => [...userIds]))
    void this.ask([...batch.keys()], users, (standing) => {
      if (batch.get(standing.roomId)?.has(standing.userId) !== true) return
      this.tell(this.parts.io.to(userChannel(standing.userId)), standing)
    }).catch(() => undefined)
  }

  private async ask(
    roomIds: readonly RoomId[],
    userIds: ReadonlySet<UserId>,
    each: (standing: Standing) => void,
  ): Promise<void> {
    if (userIds.size === 0) return
    const { value } = await this.parts.parley.reportStandings.execute({ roomIds, userIds: [...userIds] })
    for (const standing of value) each(standing)
  }

  private tell(target: ReturnType<RealtimeServer['to']>, standing: Standing): void {
    const { roomId, role, headSeq, readSeq, unread } = standing
    target.emit('room:changed', { roomId, role, headSeq, readSeq, unread })
  }
}
