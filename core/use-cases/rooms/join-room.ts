import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { EVENTS_LIMIT, isSeq, PAGE_LIMIT } from '../../domain/page.js'
import { invalid, notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Role } from '../../domain/role.js'
import type { Member, Room } from '../../domain/room.js'
import type { RoomEvent, RoomSnapshot } from '../../domain/room-event.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { Presence, PresencePort } from '../../ports/presence-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { SharedLoads } from '../shared-loads.js'
import { admitReader } from './room-access.js'

type Ports = { rooms: RoomRepoPort; log: RoomLogPort; presence: PresencePort; clock: ClockPort }
type Input = { readonly roomId: RoomId; readonly since?: number | undefined }

export type JoinedRoom = {
  readonly room: Room
  readonly role: Role
  readonly members: readonly Member[]
  readonly presence: readonly Presence[]
  /** Every event above it follows by push. */
  readonly headSeq: number
  /** The events after `since`, where there are at most 500; else null, and `snapshot` is there. */
  readonly events: readonly RoomEvent[] | null
  readonly snapshot: { readonly messages: readonly Message[] } | null
}

/**
 * Names of those who have left, and read markers, change without an event of the room; all else that events show is the same for as
 * long as the head is. So a page that shows people is good at no other moment than its own.
 */
const versionOf = (events: readonly RoomEvent[]): number =>
  events.some(({ type }) => type.startsWith('member.')) ? Number.NEGATIVE_INFINITY : 0

/** After an outage the members of a room come back within seconds, most of them since the same event. */
const SHARED = { keptMs: 5_000, maxKept: 500, versionOf }
/** Longer pages would take much memory, and few have missed the same. */
const SHARED_EVENTS_MAX = 50

/** A client that is ahead of the log (a restored backup) begins anew, as one without `since` does. */
const isNear = (since: number | undefined, headSeq: number): since is number =>
  since !== undefined && headSeq >= since && headSeq - since <= EVENTS_LIMIT.max

/**
 * Brings a member up to date and keeps them so: `enter` puts the caller's socket into the room between the access check and
 * the read, so that no event falls between what is read and what is pushed. Membership is judged again by the read itself; on
 * a refusal after `enter` the caller takes the socket out.
 */
export class JoinRoom {
  private readonly missed: SharedLoads<readonly RoomEvent[]>

  constructor(private readonly ports: Ports) {
    this.missed = new SharedLoads(ports.clock, SHARED)
  }

  async execute(
    actor: Actor,
    input: Input,
    enter: () => Promise<void>,
  ): Promise<Result<JoinedRoom, Refusal>> {
    const { rooms, presence } = this.ports
    if (input.since !== undefined && !isSeq(input.since)) return invalid('since', 'must be a seq')
    const access = await admitReader(rooms, actor, input.roomId)
    if (!access.ok) return access
    await enter()

    const snapshot = await this.read(actor, input, access.value.heads.head)
    if (snapshot === null) return notFound()
    const { room, role, members, messages, headSeq } = snapshot
    const { presences } = await presence.states(members.map((member) => member.userId))
    const base = { room, role, members, presence: presences, headSeq }
    if (isNear(input.since, headSeq)) {
      const events = await this.eventsUpTo(input.roomId, headSeq, headSeq - input.since)
      return ok({ ...base, events, snapshot: null })
    }
    return ok({ ...base, events: null, snapshot: { messages } })
  }

  /** Messages, which are many times the rest, are read for those only who get no events. */
  private async read(actor: Actor, { roomId, since }: Input, head: number): Promise<RoomSnapshot | null> {
    const { rooms } = this.ports
    if (isNear(since, head)) {
      const snapshot = await rooms.snapshot(roomId, actor.userId, 0)
      if (snapshot === null || isNear(since, snapshot.headSeq)) return snapshot
    }
    return rooms.snapshot(roomId, actor.userId, PAGE_LIMIT.default)
  }

  /** None from above the snapshot, at which the caller was a member: what came later is pushed to those who still are. */
  private async eventsUpTo(roomId: RoomId, headSeq: number, count: number): Promise<readonly RoomEvent[]> {
    if (count === 0) return []
    const load = async () => (await this.ports.log.read(roomId, headSeq - count, count))?.events ?? []
    return count > SHARED_EVENTS_MAX ? load() : this.missed.read(`${roomId} ${headSeq} ${count}`, 0, load)
  }
}
