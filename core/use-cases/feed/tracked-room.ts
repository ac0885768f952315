import type { RoomId } from '../../domain/ids.js'
import { EVENTS_LIMIT } from '../../domain/page.js'
import type { RoomHeads } from '../../domain/room.js'
import { type RoomEvent, TOUCHES } from '../../domain/room-event.js'
import type { Cancel, ClockPort } from '../../ports/clock-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import type { SweepPort } from '../../ports/sweep-port.js'

/** How long a gap may wait for the hint that fills it before the log is read: a few times what a bus takes. */
const GAP_GRACE_MS = 20

/** More events than this ahead of a gap are dropped; they are read again with the gap. */
const WAITING_MAX = 1_000

type Ports = { log: RoomLogPort; sweep: SweepPort; clock: ClockPort }

/** One room's place in its log, as delivered by this process. */
export class TrackedRoom {
  /** Resolves once the head is known from which on every event is delivered; rejects when it cannot be read. */
  readonly ready: Promise<void>
  /** When this process began to ask where the room is, ms since the Unix epoch. */
  readonly begunAtMs: number
  private readonly waiting = new Map<number, RoomEvent>()
  private delivered: number | null = null
  /** Heads of its kinds, as of what is delivered. */
  private readonly kinds = { messages: 0, threads: 0, members: 0 }
  private known = 0
  private cancelGrace: Cancel | null = null
  private reading = false
  /** After which event the last gap was found. */
  private gapAfter: number | null = null
  private closed = false

  constructor(
    private readonly roomId: RoomId,
    private readonly ports: Ports,
    private readonly deliver: (events: readonly RoomEvent[], wasGap: boolean) => void,
    private readonly onGap: () => void,
  ) {
    this.begunAtMs = ports.clock.nowMs()
    this.ready = this.begin()
  }

  /** Up to which event all are delivered; zero while it is not known from which on. */
  get head(): number {
    return this.delivered ?? 0
  }

  /** As far as this process knows; null while it knows that it misses some events, or not from which on it has all. */
  get heads(): RoomHeads | null {
    if (this.delivered === null || this.closed || this.delivered < this.known) return null
    return { head: this.delivered, ...this.kinds }
  }

  /** Whether every event from now on will be delivered. */
  get isReady(): boolean {
    return this.delivered !== null && !this.closed
  }

  /** Takes events in any order, doubled or with gaps, and the head of which they tell. */
  offer(events: readonly RoomEvent[], head: number): void {
    this.known = Math.max(this.known, head)
    if (!this.deliverNext(events)) {
      for (const event of events) {
        if (event.seq > (this.delivered ?? 0) && this.waiting.size < WAITING_MAX)
          this.waiting.set(event.seq, event)
      }
      this.drain(false)
    }
    if (this.isBehind()) this.cancelGrace ??= this.ports.clock.after(GAP_GRACE_MS, () => this.endGrace())
  }

  /** A head found without its events; they were due, so nothing is waited for. */
  learnHead(head: number): void {
    this.known = Math.max(this.known, head)
    if (this.isBehind()) void this.readGap()
  }

  close(): void {
    this.closed = true
    this.cancelGrace?.()
  }

  private async begin(): Promise<void> {
    const { heads } = await this.ports.sweep.sweep(new Map([[this.roomId, 0]]), Number.MAX_SAFE_INTEGER)
    const found = heads.get(this.roomId)
    if (found === undefined) throw new Error(`there is no room ${this.roomId} to follow`)
    const { head, ...kinds } = found
    Object.assign(this.kinds, kinds)
    this.delivered = head
    this.known = Math.max(this.known, head)
    for (const seq of this.waiting.keys()) if (seq <= head) this.waiting.delete(seq)
    this.drain(false)
    if (this.isBehind()) void this.readGap()
  }

  private isBehind(): boolean {
    return !this.closed && this.delivered !== null && this.delivered < this.known
  }

  private endGrace(): void {
    this.cancelGrace = null
    if (this.isBehind()) void this.readGap()
  }

  /** Whether these were the next ones and nothing else waited, as nearly always: then they are delivered as they are. */
  private deliverNext(events: readonly RoomEvent[]): boolean {
    const { delivered } = this
    if (delivered === null || this.closed || this.waiting.size > 0 || events.length === 0) return false
    if (!events.every(({ seq }, index) => seq === delivered + 1 + index)) return false
    this.delivered = delivered + events.length
    this.passOn(events, false)
    return true
  }

  private passOn(events: readonly RoomEvent[], wasGap: boolean): void {
    for (const { type, seq } of events) {
      const kind = TOUCHES[type]
      if (kind !== 'room') this.kinds[kind] = seq
    }
    this.deliver(events, wasGap)
  }

  private drain(wasGap: boolean): void {
    if (this.delivered === null || this.closed) return
    const ready: RoomEvent[] = []
    let next = this.waiting.get(this.delivered + 1)
    while (next !== undefined) {
      ready.push(next)
      this.waiting.delete(next.seq)
      this.delivered = next.seq
      next = this.waiting.get(this.delivered + 1)
    }
    if (ready.length > 0) this.passOn(ready, wasGap)
  }

  /** Never rejects: what cannot be read now is found again by the next sweep. */
  private async readGap(): Promise<void> {
    if (this.reading) return
    this.reading = true
    if (this.gapAfter !== this.delivered) this.onGap()
    this.gapAfter = this.delivered
    try {
      while (this.isBehind()) {
        const page = await this.ports.log.read(this.roomId, this.delivered ?? 0, EVENTS_LIMIT.max)
        if (page === null || page.events.length === 0) break
        this.known = Math.max(this.known, page.headSeq)
        for (const event of page.events)
          if (event.seq > (this.delivered ?? 0)) this.waiting.set(event.seq, event)
        this.drain(true)
      }
    } catch {
      // The store is away; the sweep that finds it back tells the head again.
    } finally {
      this.reading = false
    }
  }
}
