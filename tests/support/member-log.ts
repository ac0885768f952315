import { isDeepStrictEqual } from 'node:util'
import type { Socket } from 'socket.io-client'
import { call, expectOk, type Json } from './person.js'

export type LogEvent = {
  readonly seq: number
  readonly type: string
  readonly at: string
  readonly actorId: string
  readonly data: Json
}

export type WireMessage = {
  readonly id: string
  readonly seq: number
  readonly senderId: string
  readonly clientMessageId: string
  readonly text: string
}

export const messagesOf = (events: readonly LogEvent[]): WireMessage[] =>
  events.flatMap(({ type, data }) => (type === 'message.sent' ? [data.message as WireMessage] : []))

/** The log of a room as a client puts it together: what joining answers, what is pushed, and `room:sync` where a seq is missing. */
export class MemberLog {
  /** What was pushed against the contract: an event twice, out of order, or with two contents. */
  readonly anomalies: string[] = []
  /** How often a seq was missing, so that the client asked for it. */
  repairs = 0
  private readonly bySeq = new Map<number, LogEvent>()
  private head = 0
  private pushed = 0
  private repairing: Promise<void> | null = null

  private constructor(
    private readonly socket: Socket,
    readonly roomId: string,
  ) {}

  /** Joins the room over this socket, from the beginning of its log. */
  static async join(socket: Socket, roomId: string): Promise<MemberLog> {
    const log = new MemberLog(socket, roomId)
    socket.on('room:events', (packet: { roomId: string; events: LogEvent[] }) => {
      if (packet.roomId === roomId) log.receive(packet.events)
    })
    const joined = await expectOk(call(socket, 'room:join', { roomId, since: 0 }))
    if (joined.events === null) await log.sync()
    else log.keep(joined.events as LogEvent[])
    log.repairIfNeeded()
    return log
  }

  /** The gapless part, from 1 on. */
  get events(): readonly LogEvent[] {
    return Array.from({ length: this.head }, (_, index) => this.bySeq.get(index + 1) as LogEvent)
  }

  get headSeq(): number {
    return this.head
  }

  /** Events that are there behind a missing one. */
  get behindGap(): number {
    return this.bySeq.size - this.head
  }

  private receive(events: readonly LogEvent[]): void {
    for (const { seq } of events) {
      if (seq <= this.pushed) this.anomalies.push(`seq ${seq} was pushed after ${this.pushed}`)
      this.pushed = Math.max(this.pushed, seq)
    }
    this.keep(events)
    // Before the answer to the join is there, nothing is known to be missing.
    if (this.head > 0) this.repairIfNeeded()
  }

  private keep(events: readonly LogEvent[]): void {
    for (const event of events) {
      const known = this.bySeq.get(event.seq)
      if (known !== undefined && !isDeepStrictEqual(known, event))
        this.anomalies.push(`seq ${event.seq} came with two contents`)
      this.bySeq.set(event.seq, event)
    }
    while (this.bySeq.has(this.head + 1)) this.head += 1
  }

  private repairIfNeeded(): void {
    if (this.behindGap === 0 || this.repairing !== null) return
    this.repairs += 1
    this.repairing = this.sync()
      .catch((error: unknown) => void this.anomalies.push(`room:sync failed: ${String(error)}`))
      .finally(() => {
        this.repairing = null
      })
  }

  private async sync(): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const page = await expectOk(
        call(this.socket, 'room:sync', { roomId: this.roomId, since: this.head, limit: 500 }),
      )
      this.keep(page.events as LogEvent[])
      hasMore = page.hasMore as boolean
    }
  }
}
