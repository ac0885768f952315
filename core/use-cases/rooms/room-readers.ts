import type { Actor } from '../../domain/account.js'
import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { RoomId, UserId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { RoomHeads } from '../../domain/room.js'
import { TOUCHES } from '../../domain/room-event.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import type { RoomAccess, RoomRepoPort } from '../../ports/room-repo-port.js'
import type { RoomFeed } from '../feed/room-feed.js'
import { SingleFlight } from '../single-flight.js'
import { admitReader } from './room-access.js'

type Ports = {
  rooms: Pick<RoomRepoPort, 'access'>
  log: Pick<RoomLogPort, 'onCommitted'>
  cache: CachePort
  roomFeed: Pick<RoomFeed, 'headsOf'>
  lifetimes: Readonly<CacheLifetimes>
}

const scopeOf = (roomId: RoomId): string => `member:${roomId}:`
const keyOf = (roomId: RoomId, userId: UserId): string => `${scopeOf(roomId)}${userId}`

/** That someone is no member says nothing of when. */
const versionOf = (access: RoomAccess | null): number => access?.heads.head ?? Number.NEGATIVE_INFINITY

/**
 * Lets members read without a question to the store, where this process follows the room and remembers that they are members.
 * What is remembered is judged by the newest change of the room's members that this process knows of.
 */
export class RoomReaders {
  private readonly flight = new SingleFlight(versionOf)

  constructor(private readonly ports: Ports) {
    const { log, cache } = ports
    log.onCommitted(({ roomId, events }) => {
      if (events.some(({ type }) => TOUCHES[type] === 'members')) void cache.drop(scopeOf(roomId))
    })
  }

  /** The heads of the room; a non-member learns nothing. `minSeq` above the head names an event that never was. */
  async admit(actor: Actor, roomId: RoomId, minSeq = 0): Promise<Result<RoomHeads, Refusal>> {
    const { cache, roomFeed } = this.ports
    const heads = roomFeed.headsOf(roomId)
    if (heads !== null && minSeq <= heads.head) {
      const member = await cache.get(keyOf(roomId, actor.userId), heads.members)
      if (member?.value === true) return ok(heads)
    }
    // Where nothing is sure, a question from before this read may have an answer from before what the reader was told.
    const knownSeq = heads === null ? Number.POSITIVE_INFINITY : Math.max(heads.head, minSeq)
    const stored = await admitReader({ access: this.sharedAccess(knownSeq) }, actor, roomId, minSeq)
    return stored.ok ? ok(stored.value.heads) : stored
  }

  /** Those who want the same at once ask once; nobody gets what is from before `knownSeq`. */
  private sharedAccess(knownSeq: number): RoomRepoPort['access'] {
    return (roomId, userId) =>
      this.flight.load(keyOf(roomId, userId), knownSeq, () => this.access(roomId, userId))
  }

  private async access(roomId: RoomId, userId: UserId): Promise<RoomAccess | null> {
    const { rooms, cache, roomFeed, lifetimes } = this.ports
    const access = await rooms.access(roomId, userId)
    // Where the room is not followed, the store is asked the next time as well.
    if (access !== null && roomFeed.headsOf(roomId) !== null)
      void cache.put(keyOf(roomId, userId), access.heads.members, true, lifetimes.memberMs)
    return access
  }
}
