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
const RETRY_MAX_MS = 8_000
/** Standings asked for in one query at most; more would hold up what else the database has to do. */
const STANDINGS_MAX = 25
/** Of the time no more than this goes to reports, where many rooms change at once: they come less often then. */
const REPORTING_SHARE = 0.04
/** How long the rests of one report are in all. */
const REST_MAX_MS = 2_000
/** The newest rooms of a user are watched, so many at most. */
const WATCHED_MAX = 5_000

type Parts = { readonly io: RealtimeServer; readonly parley: Parley }

/** What is to be told of a room, and to whom. */
type News = {
  /** To all who watch it, or to the readers only. */
  readonly toAll: boolean
  readonly readers: ReadonlySet<UserId>
  /** Those among the readers who read through this process, so that the others do not know of it yet. */
  readonly readHere: ReadonlySet<UserId>
}

const NOBODY: ReadonlySet<UserId> = new Set()
const TO_ALL: News = { toAll: true, readers: NOBODY, readHere: NOBODY }

function merged(older: News, newer: News): News {
  // As with nearly every message.
  if (newer === TO_ALL && older.toAll) return older
  return {
    toAll: older.toAll || newer.toAll,
    readers: new Set([...older.readers, ...newer.readers]),
    readHere: new Set([...older.readHere, ...newer.readHere]),
  }
}

/** Tells the users who are connected here how their rooms stand when one of them changes (`room:changed`). */
export class Standings {
  private readonly roomsOf = new Map<UserId, Set<RoomId>>()
  private readonly usersOf = new Map<RoomId, Set<UserId>>()
  private readonly news = new Coalescer<News>(REPORT_INTERVAL_MS, merged, (batch) => this.report(batch))

  private pauseMs = RETRY_MS

  constructor(private readonly parts: Parts) {
    const { roomFeed } = parts.parley
    roomFeed.onTouched((touched) => this.onTouched(touched))
    roomFeed.onGap(() => void this.reload())
    roomFeed.onRead(([roomId, userId]) => {
      if (this.roomsOf.has(userId)) this.offerReader(roomId, userId, NOBODY)
    })
  }

  /** A user's first socket in this process has come. */
  async arrive(actor: Actor): Promise<void> {
    if (this.roomsOf.has(actor.userId)) return
    const rooms = new Set<RoomId>()
    this.roomsOf.set(actor.userId, rooms)
    await this.loadRooms(actor.userId).catch(() => {
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
    this.offerReader(roomId, userId, new Set([userId]))
  }

  close(): void {
    this.news.close()
  }

  private stillHere(userId: UserId): boolean {
    return this.parts.io.of('/').adapter.rooms.has(userChannel(userId))
  }

  private async loadRooms(userId: UserId): Promise<void> {
    const { value: roomIds } = await this.parts.parley.listRoomIds.execute({ userId }, WATCHED_MAX)
    for (const roomId of roomIds) this.watch(roomId, userId)
    await this.parts.parley.roomFeed.watch(roomIds.filter((roomId) => this.usersOf.has(roomId)))
  }

  /** After hints may have been lost: whose rooms are others now, and who has read, is known to the store only. */
  private async reload(): Promise<void> {
    try {
      for (const userId of [...this.roomsOf.keys()]) await this.loadRooms(userId)
    } catch {
      setTimeout(() => void this.reload(), RETRY_MS).unref()
      return
    }
    for (const roomId of this.usersOf.keys()) this.news.offer(roomId, TO_ALL)
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
    if (users?.size !== 0) return
    this.usersOf.delete(roomId)
    this.parts.parley.roomFeed.unwatch(roomId)
  }

  private onTouched({ roomId, memberIds }: TouchedRoom): void {
    for (const userId of memberIds) this.watch(roomId, userId)
    if (!this.usersOf.has(roomId)) return
    this.news.offer(roomId, TO_ALL)
    // What cannot be read now, the next sweep reads.
    if (memberIds.length > 0) this.parts.parley.roomFeed.watch([roomId]).catch(() => undefined)
  }

  private offerReader(roomId: RoomId, userId: UserId, readHere: ReadonlySet<UserId>): void {
    this.news.offer(roomId, { toAll: false, readers: new Set([userId]), readHere })
  }

  private async report(batch: ReadonlyMap<RoomId, News>): Promise<void> {
    const readings = [...batch].flatMap(([roomId, { readHere }]) =>
      [...readHere].map((userId) => [roomId, userId] as const),
    )
    const { parley } = this.parts
    parley.roomFeed.announceReads(readings)
    const wanted = [...batch].flatMap(([roomId, news]) =>
      this.toTell(roomId, news).map((userId) => ({ roomId, userId })),
    )
    const restMaxMs = (REST_MAX_MS * STANDINGS_MAX) / wanted.length
    try {
      for (let from = 0; from < wanted.length; from += STANDINGS_MAX) {
        const startedMs = performance.now()
        const { value } = await parley.reportStandings.execute(wanted.slice(from, from + STANDINGS_MAX))
        for (const standing of value) this.tell(standing)
        const isLast = from + STANDINGS_MAX >= wanted.length
        if (!isLast) await pause(Math.min(restMaxMs, (performance.now() - startedMs) / REPORTING_SHARE))
      }
      this.pauseMs = RETRY_MS
    } catch {
      for (const [roomId, news] of batch) this.news.offer(roomId, { ...news, readHere: NOBODY })
      // Meanwhile what there is to tell gathers; each time twice as long as before.
      await pause(this.pauseMs)
      this.pauseMs = Math.min(2 * this.pauseMs, RETRY_MAX_MS)
    }
  }

  /** Those who are connected here now. */
  private toTell(roomId: RoomId, { toAll, readers }: News): readonly UserId[] {
    const told = new Set(readers)
    if (toAll) for (const userId of this.usersOf.get(roomId) ?? []) told.add(userId)
    return [...told].filter((userId) => this.roomsOf.has(userId))
  }

  private tell({ roomId, userId, role, headSeq, readSeq, unread }: Standing): void {
    if (!this.roomsOf.has(userId)) return
    if (role === null) this.unwatch(roomId, userId)
    const devices = this.parts.io.local.to(userChannel(userId))
    devices.emit('room:changed', { roomId, role, headSeq, readSeq, unread })
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref())
