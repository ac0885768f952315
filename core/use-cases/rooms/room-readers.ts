import type { Actor } from '../../domain/account.js'
import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { RoomId, UserId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { RoomHeads } from '../../domain/room.js'
import { TOUCHES } from '../../domain/room-event.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import type { RoomFeed } from '../feed/room-feed.js'
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

/**
 * Lets members read without a question to the store, where this process follows the room and remembers that they are members.
 * What is remembered is judged by the newest change of the room's members that this process knows of.
 */
export class RoomReaders {
  constructor(private readonly ports: Ports) {
    const { log, cache } = ports
    log.onCommitted(({ roomId, events }) => {
      if (events.some(({ type }) => TOUCHES[type] === 'members')) void cache.drop(scopeOf(roomId))
    })
  }

  /** The heads of the room; a non-member learns nothing. `minSeq` above the head names an event that never was. */
  async admit(actor: Actor, roomId: RoomId, minSeq = 0): Promise<Result<RoomHeads, Refusal>> {
    const { rooms, cache, roomFeed, lifetimes } = this.ports
    const heads = roomFeed.headsOf(roomId)
    if (heads !== null && minSeq <= heads.head) {
      const member = await cache.get(keyOf(roomId, actor.userId), heads.members)
      if (member?.value === true) return ok(heads)
    }
    const access = await admitReader(rooms, actor, roomId, minSeq)
    if (!access.ok) return access
    const { heads: stored } = access.value
    // Where the room is not followed, the store is asked the next time as well.
    if (heads !== null) void cache.put(keyOf(roomId, actor.userId), stored.members, true, lifetimes.memberMs)
    return ok(stored)
  }
}
