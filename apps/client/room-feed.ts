import { type ParleyError, toParleyError } from './errors.js'
import type { Heads } from './heads.js'
import type { Link } from './link.js'
import type { Environment } from './options.js'
import type { RoomLog } from './room-log.js'
import { backoffMs, Pause } from './waiting.js'
import type { JoinedRoom, RoomEvent, SocketCalls } from './wire.js'

export type FeedParts = {
  readonly roomId: string
  readonly userId: string
  readonly log: RoomLog
  readonly link: Link
  readonly heads: Heads
  readonly environment: Environment
  /** The log, or how far it is trusted, has changed. */
  readonly onChange: (applied: readonly RoomEvent[]) => void
  readonly onJoined: (answer: JoinedRoom) => void
  /** No event will come any more: null when the user left or was removed. */
  readonly onEnded: (error: ParleyError | null) => void
}

const ANSWER_WITHIN_MS = 10_000
/** How many messages the snapshot of a join holds. */
const SNAPSHOT_MESSAGES = 50
const SYNC_LIMIT = 500
/** Events that wait for those before them; what is beyond is fetched with the gap. */
const EARLY_MAX = 1_000
/** How long a missing event has to come by itself: one that others have overtaken, and one that was only heard of. */
const GAP_MS = 50
const HEARD_OF_MS = 1_000

/** No later attempt would fare better. */
const FINAL: ReadonlySet<string> = new Set(['NOT_FOUND', 'FORBIDDEN', 'VALIDATION_FAILED', 'CONFLICT'])

type Sync = SocketCalls['room:sync'][1]

/** Feeds a room's log: joins at each connection, puts events in order, and fetches what is missing. */
export class RoomFeed {
  private readonly early = new Map<number, RoomEvent>()
  private readonly pause: Pause
  private phase: 'apart' | 'joining' | 'joined' | 'ended' = 'apart'
  /** Of the connection that the feed works for at present. */
  private visit: object = {}
  /** The events above it come by push, on this connection. */
  private joinedAtSeq = 0
  /** An answer has proved that the user was a member at this seq. */
  private memberAtSeq = 0
  private isRepairing = false
  private repairTimer: unknown = null
  private repairDueMs = 0
  lastError: ParleyError | null = null

  constructor(private readonly parts: FeedParts) {
    this.pause = new Pause(parts.environment)
  }

  get isEnded(): boolean {
    return this.phase === 'ended'
  }

  /** Nothing that is known to be there is missing. */
  get isLive(): boolean {
    return this.phase === 'joined' && this.early.size === 0 && !this.isRepairing
  }

  /** There is a connection. */
  enter(): void {
    if (this.isEnded) return
    this.halt()
    this.early.clear()
    void this.join(this.visit)
  }

  /** The connection has gone. */
  leave(): void {
    if (this.isEnded) return
    this.phase = 'apart'
    this.halt()
    this.parts.onChange([])
  }

  close(): void {
    this.phase = 'ended'
    this.halt()
  }

  receive(events: readonly RoomEvent[]): void {
    if (this.isEnded) return
    for (const event of events) {
      this.parts.heads.note(this.parts.roomId, event.seq)
      this.hold(event)
    }
    this.drain()
  }

  /** Something told that the room is further than here, or that the user is no longer in it. */
  check(atOnce = false): void {
    const { heads, roomId, log } = this.parts
    if (this.phase !== 'joined') return
    if (atOnce) this.scheduleRepair(0, true)
    else if (heads.of(roomId) > log.headSeq) this.scheduleRepair(HEARD_OF_MS)
  }

  private halt(): void {
    this.visit = {}
    this.pause.end()
    this.stopTimer()
    this.isRepairing = false
  }

  private end(error: ParleyError | null): void {
    this.close()
    this.parts.onEnded(error)
  }

  private async join(visit: object): Promise<void> {
    const { link, log, roomId, environment } = this.parts
    this.phase = 'joining'
    this.stopTimer()
    for (let tries = 0; this.visit === visit; tries += 1) {
      const since = log.isStarted ? log.headSeq : undefined
      const payload = { roomId, ...(since === undefined ? {} : { since }) }
      try {
        const answer = (await link.emit('room:join', payload, ANSWER_WITHIN_MS)) as JoinedRoom
        if (this.visit === visit) this.joined(answer, since)
        return
      } catch (thrown) {
        if (this.visit !== visit) return
        const error = toParleyError(thrown)
        if (FINAL.has(error.code)) return this.end(wasRemoved(error, log) ? null : error)
        if (error.code === 'UNAUTHENTICATED') link.doubtToken()
        this.lastError = error
        this.parts.onChange([])
        await this.pause.for(backoffMs(tries, environment, error.retryAfterMs))
      }
    }
  }

  private joined(answer: JoinedRoom, since: number | undefined): void {
    const { log, heads, roomId } = this.parts
    const { headSeq, events, snapshot } = answer
    // The server has lost what came after: it was restored from a backup, and its word counts.
    const wentBack = since !== undefined && since > headSeq
    if (wentBack) {
      heads.goBack(roomId, headSeq)
      this.memberAtSeq = 0
    }
    heads.note(roomId, headSeq)
    this.lastError = null
    this.joinedAtSeq = headSeq
    this.memberAtSeq = Math.max(this.memberAtSeq, headSeq)
    this.phase = 'joined'
    // What was pushed meanwhile may have brought the log further than the snapshot.
    if (snapshot !== null && (!log.isStarted || wentBack || headSeq > log.headSeq))
      log.reset(answer, snapshot.messages, SNAPSHOT_MESSAGES)
    for (const event of events ?? []) this.hold(event)
    const applied = this.advance(headSeq)
    log.adopt(answer)
    this.parts.onJoined(answer)
    this.drain(applied)
  }

  private hold(event: RoomEvent): void {
    if (event.seq <= this.parts.log.headSeq) return
    if (this.early.size >= EARLY_MAX) {
      const last = Math.max(...this.early.keys())
      if (event.seq > last) return
      this.early.delete(last)
    }
    this.early.set(event.seq, event)
  }

  /** Applies what follows without a gap, and looks at what that leaves. */
  private drain(before: readonly RoomEvent[] = []): void {
    const { log, heads, roomId } = this.parts
    if (!log.isStarted) return
    const applied = [...before, ...this.advance(Number.POSITIVE_INFINITY)]
    if (this.isEnded) return
    if (this.phase === 'joined') {
      if (this.early.size > 0) this.scheduleRepair(GAP_MS)
      else if (heads.of(roomId) > log.headSeq) this.scheduleRepair(HEARD_OF_MS)
    }
    this.parts.onChange(applied)
    this.considerLeaving(applied)
  }

  private advance(upToSeq: number): RoomEvent[] {
    const { log } = this.parts
    const applied: RoomEvent[] = []
    for (;;) {
      const event = this.early.get(log.headSeq + 1)
      if (event === undefined || event.seq > upToSeq) break
      this.early.delete(event.seq)
      log.apply(event)
      applied.push(event)
      if (this.isLast(event)) break
    }
    for (const seq of this.early.keys()) if (seq <= log.headSeq) this.early.delete(seq)
    return applied
  }

  /**
   * The server takes a socket out of the room with the `member.left` of its user. An event from before a time at which the user was
   * certainly a member tells of an earlier membership; if it came after this connection's join, the join is to be made again.
   */
  private considerLeaving(applied: readonly RoomEvent[]): void {
    const left = applied.findLast((event) => this.isOwnLeaving(event))
    if (left === undefined || this.phase !== 'joined' || left.seq <= this.joinedAtSeq) return
    if (left.seq > this.memberAtSeq) this.end(null)
    else this.enter()
  }

  private isOwnLeaving(event: RoomEvent): boolean {
    return event.type === 'member.left' && event.data.userId === this.parts.userId
  }

  /** Whatever may be held beyond it is not for this user any more. */
  private isLast(event: RoomEvent): boolean {
    return this.phase === 'joined' && this.isOwnLeaving(event) && event.seq > this.memberAtSeq
  }

  private scheduleRepair(ms: number, always = false): void {
    const dueMs = this.parts.environment.monotonicMs() + ms
    if (this.isRepairing || (this.repairTimer !== null && this.repairDueMs <= dueMs && !always)) return
    this.stopTimer()
    const { visit } = this
    this.repairDueMs = dueMs
    this.repairTimer = this.parts.environment.setTimeout(() => {
      this.repairTimer = null
      const { log, heads, roomId } = this.parts
      if (!always && this.early.size === 0 && heads.of(roomId) <= log.headSeq) return
      void this.repair(visit)
    }, ms)
  }

  private async repair(visit: object): Promise<void> {
    const { link, log, heads, roomId, environment } = this.parts
    this.isRepairing = true
    this.parts.onChange([])
    for (let tries = 0; this.visit === visit; ) {
      const since = log.headSeq
      const payload = { roomId, since, limit: SYNC_LIMIT, minSeq: heads.of(roomId) }
      try {
        const answer = (await link.emit('room:sync', payload, ANSWER_WITHIN_MS)) as Sync
        if (this.visit !== visit) return
        this.lastError = null
        heads.note(roomId, answer.headSeq)
        this.memberAtSeq = Math.max(this.memberAtSeq, answer.headSeq)
        for (const event of answer.events) this.hold(event)
        const isWhole = !answer.hasMore && answer.headSeq >= heads.of(roomId)
        if (isWhole) this.isRepairing = false
        this.drain()
        if (isWhole || this.visit !== visit) return
        tries = log.headSeq > since ? 0 : tries + 1
      } catch (thrown) {
        if (this.visit !== visit) return
        const error = toParleyError(thrown)
        if (FINAL.has(error.code)) return this.end(wasRemoved(error, log) ? null : error)
        if (error.code === 'UNAUTHENTICATED') link.doubtToken()
        tries += 1
        this.lastError = error
      }
      if (tries > 0) await this.pause.for(backoffMs(tries, environment, this.lastError?.retryAfterMs))
    }
  }

  private stopTimer(): void {
    if (this.repairTimer !== null) this.parts.environment.clearTimeout(this.repairTimer)
    this.repairTimer = null
  }
}

/** Whoever was in a room and does not find it any more has been taken out of it. */
const wasRemoved = (error: ParleyError, log: RoomLog): boolean => error.code === 'NOT_FOUND' && log.isStarted
