import type { RoomId, UserId } from '../../domain/ids.js'
import type { RoomHeads } from '../../domain/room.js'
import type { RoomCommit, RoomEvent } from '../../domain/room-event.js'
import type { BusPort } from '../../ports/bus-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import type { SweepPort } from '../../ports/sweep-port.js'
import { TrackedRoom } from './tracked-room.js'
import { WatchedRooms } from './watched-rooms.js'

const TOPIC = 'rooms'
const READS_TOPIC = 'reads'

/** Read markers told in one message on the bus, at most. */
const READS_MAX = 500

/** For as long as nobody who was removed may go on reading, on whatever instance (contract, "What a client may count on"). */
const HEADS_GOOD_FOR_MS = 1_000

/** Events ride along in a hint up to this many characters of JSON; beyond it, receivers read them from the log. */
const HINT_EVENTS_MAX = 6_000

type Ports = { log: RoomLogPort; sweep: SweepPort; bus: BusPort; clock: ClockPort }

/** What one process tells the others after a commit. It may be lost, late, doubled or out of order. */
type Hint = {
  readonly roomId: RoomId
  readonly head: number
  /** Who joined, left or changed. */
  readonly memberIds: readonly UserId[]
  readonly events?: readonly RoomEvent[]
  /** ms since the Unix epoch; a process of an earlier version does not say. */
  readonly sentAtMs?: number
}

export type TouchedRoom = {
  readonly roomId: RoomId
  readonly head: number
  readonly memberIds: readonly UserId[]
}

/** Somebody has moved their read marker in a room. */
export type Reading = readonly [roomId: RoomId, userId: UserId]

/**
 * Delivers the log of every tracked room in this process: each event after the head at which tracking began, once, in order,
 * whichever process committed it. Own commits come at once; others' by hints; what no hint brought, by reading the log.
 */
export class RoomFeed {
  private readonly rooms = new Map<RoomId, TrackedRoom>()
  private readonly watched = new WatchedRooms()
  private readonly eventListeners: ((roomId: RoomId, events: readonly RoomEvent[]) => void)[] = []
  private readonly touchListeners: ((touched: TouchedRoom) => void)[] = []
  private readonly readListeners: ((reading: Reading) => void)[] = []
  private readonly gapListeners: (() => void)[] = []
  private readonly untrackListeners: ((roomId: RoomId) => void)[] = []
  private readonly hintListeners: ((lagMs: number) => void)[] = []
  private found = 0
  private repaired = 0
  /** As of when the last sweep told of every room that was tracked by then, ms since the Unix epoch. */
  private sweptAtMs = Number.NEGATIVE_INFINITY

  constructor(private readonly ports: Ports) {
    ports.log.onCommitted((commit) => this.committed(commit))
  }

  async start(): Promise<void> {
    const { bus } = this.ports
    bus.onGap(() => {
      for (const listener of this.gapListeners) listener()
    })
    await Promise.all([
      bus.subscribe(TOPIC, (message) => this.hinted(JSON.parse(message) as Hint)),
      bus.subscribe(READS_TOPIC, (message) => this.hintedReads(JSON.parse(message) as Reading[])),
    ])
  }

  /** Told of the events of tracked rooms; the events of one commit, or of one repair, together. */
  onEvents(listener: (roomId: RoomId, events: readonly RoomEvent[]) => void): void {
    this.eventListeners.push(listener)
  }

  /** Told of every room that changed anywhere, as far as hints arrive; of tracked and watched rooms whether they do or not. */
  onTouched(listener: (touched: TouchedRoom) => void): void {
    this.touchListeners.push(listener)
  }

  /** Told of those who read in other processes, as far as these announce it and hints arrive. */
  onRead(listener: (reading: Reading) => void): void {
    this.readListeners.push(listener)
  }

  /** Told of each hint how long ago it was published, in ms by the clocks of both processes: below zero where they disagree. */
  onHint(listener: (lagMs: number) => void): void {
    this.hintListeners.push(listener)
  }

  /** Told after each time when the bus may have lost what no sweep finds: readings, and rooms that are not watched yet. */
  onGap(listener: () => void): void {
    this.gapListeners.push(listener)
  }

  /** Told of each room whose events are no longer delivered. */
  onUntracked(listener: (roomId: RoomId) => void): void {
    this.untrackListeners.push(listener)
  }

  /** Tells the other processes of those who have read here. */
  announceReads(readings: readonly Reading[]): void {
    for (let from = 0; from < readings.length; from += READS_MAX) {
      const message = JSON.stringify(readings.slice(from, from + READS_MAX))
      this.ports.bus.publish(READS_TOPIC, message).catch(() => undefined)
    }
  }

  /** Begins to deliver a room's events. Resolves when every event above the head of a later read is sure to be delivered. */
  track(roomId: RoomId): Promise<void> {
    const known = this.rooms.get(roomId)
    if (known !== undefined) return known.ready
    const { log, sweep, clock } = this.ports
    const deliver = (events: readonly RoomEvent[], wasGap: boolean) => {
      for (const listener of this.eventListeners) listener(roomId, events)
      if (wasGap) this.repairedGap(roomId, events)
    }
    const room = new TrackedRoom(roomId, { log, sweep, clock }, deliver, () => {
      this.found += 1
    })
    this.rooms.set(roomId, room)
    room.ready.catch(() => {
      if (this.rooms.get(roomId) === room) this.untrack(roomId)
    })
    return room.ready
  }

  untrack(roomId: RoomId): void {
    this.rooms.get(roomId)?.close()
    if (this.rooms.delete(roomId)) for (const listener of this.untrackListeners) listener(roomId)
  }

  /**
   * Stands for the present tracking of a room, in which no event is left out; another one once it has ended and begun again.
   * Null while there is none, or it is not known yet from which event on.
   */
  trackingOf(roomId: RoomId): object | null {
    const room = this.rooms.get(roomId)
    return room?.isReady === true ? room : null
  }

  /**
   * The heads of a tracked room as they were a second ago or later; null where that is not sure: while sweeps take longer than a quarter
   * of a second or none gets through, say, or after the process has stood still.
   */
  headsOf(roomId: RoomId): RoomHeads | null {
    const room = this.rooms.get(roomId)
    if (room === undefined) return null
    const ageMs = this.ports.clock.nowMs() - Math.max(this.sweptAtMs, room.begunAtMs)
    // Below zero, the clock was set back.
    return ageMs >= 0 && ageMs <= HEADS_GOOD_FOR_MS ? room.heads : null
  }

  /** Begins to tell of every change of these rooms. Resolves when each that is committed later is sure to be told of. */
  async watch(roomIds: readonly RoomId[]): Promise<void> {
    const unknown = this.watched.add(roomIds)
    if (unknown.length === 0) return
    const beyond = new Map(unknown.map((roomId) => [roomId, 0]))
    const { heads } = await this.ports.sweep.sweep(beyond, Number.MAX_SAFE_INTEGER)
    this.learnWatched(heads)
  }

  unwatch(roomId: RoomId): void {
    this.watched.remove(roomId)
  }

  /** Beyond which heads the next sweep is to look: of all rooms that are tracked, and of those that are watched a part in turn. */
  headsToSweep(): ReadonlyMap<RoomId, number> {
    const heads = new Map<RoomId, number>()
    for (const [roomId, head] of this.watched.takeTurn()) if (!this.rooms.has(roomId)) heads.set(roomId, head)
    for (const [roomId, { head }] of this.rooms)
      heads.set(roomId, Math.min(head, this.watched.headOf(roomId) ?? head))
    return heads
  }

  trackedRooms(): readonly RoomId[] {
    return [...this.rooms.keys()]
  }

  /** Times that a room was found to miss events that were due, since the start of the process. */
  gapsFound(): number {
    return this.found
  }

  /** Events that no hint brought in time, since the start of the process. */
  gapsRepaired(): number {
    return this.repaired
  }

  /** What a sweep found that began at `asOfMs`: rooms that are behind read what they miss. */
  learnHeads(heads: ReadonlyMap<RoomId, RoomHeads>, asOfMs: number): void {
    this.sweptAtMs = asOfMs
    for (const [roomId, { head }] of heads) this.rooms.get(roomId)?.learnHead(head)
    this.learnWatched(heads)
  }

  private learnWatched(heads: ReadonlyMap<RoomId, RoomHeads>): void {
    for (const [roomId, { head }] of heads)
      if (this.watched.learn(roomId, head)) this.touch({ roomId, head, memberIds: [] })
  }

  private repairedGap(roomId: RoomId, events: readonly RoomEvent[]): void {
    this.repaired += events.length
    const head = events.at(-1)?.seq ?? 0
    const memberIds = memberIdsIn(events)
    // Others were told with the hint behind the gap, or by the sweep.
    if (this.watched.learn(roomId, head) || memberIds.length > 0) this.touch({ roomId, head, memberIds })
  }

  private committed(commit: RoomCommit): void {
    const { roomId, heads, events } = commit
    const touched = { roomId, head: heads.head, memberIds: memberIdsIn(events) }
    this.rooms.get(roomId)?.offer(events, heads.head)
    this.touch(touched)
    if (!this.ports.bus.hasPeers()) return
    const sentAtMs = this.ports.clock.nowMs()
    const full = JSON.stringify({ ...touched, sentAtMs, events } satisfies Hint)
    const hint =
      full.length <= HINT_EVENTS_MAX ? full : JSON.stringify({ ...touched, sentAtMs } satisfies Hint)
    // A lost hint is found by the sweep of the others.
    this.ports.bus.publish(TOPIC, hint).catch(() => undefined)
  }

  private hinted(hint: Hint): void {
    this.rooms.get(hint.roomId)?.offer(hint.events ?? [], hint.head)
    this.touch(hint)
    if (hint.sentAtMs === undefined) return
    const lagMs = this.ports.clock.nowMs() - hint.sentAtMs
    for (const listener of this.hintListeners) listener(lagMs)
  }

  private hintedReads(readings: readonly Reading[]): void {
    for (const reading of readings) for (const listener of this.readListeners) listener(reading)
  }

  private touch(touched: TouchedRoom): void {
    this.watched.learn(touched.roomId, touched.head)
    for (const listener of this.touchListeners) listener(touched)
  }
}

function memberIdsIn(events: readonly RoomEvent[]): readonly UserId[] {
  return events.flatMap((event) => {
    switch (event.type) {
      case 'member.joined':
        return [event.data.member.userId]
      case 'member.left':
      case 'member.changed':
        return [event.data.userId]
      default:
        return []
    }
  })
}
