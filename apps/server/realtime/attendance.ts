import type { SocketId, UserId } from '../../../core/domain/ids.js'
import type { Parley } from '../../../core/parley.js'
import { PRESENCE_BEAT_MS, PRESENCE_REVIEW_MS } from '../../../core/ports/presence-port.js'
import { PRESENCE_GRACE_MS } from './limits.js'
import type { SocketConnection } from './socket-connection.js'

const LOOK_EVERY_MS = 1_000
const RETRY_MS = 5_000
/** Departures that are under way together at most. */
const BATCH = 50

type Departure = { readonly userId: UserId; readonly dueMs: number }

/** Who is here: registers sockets that have come, and takes away, after a grace, those that have gone. */
export class Attendance {
  private readonly departures = new Map<SocketId, Departure>()
  private readonly timers: readonly NodeJS.Timeout[]
  private telling: Promise<void> | null = null
  private isReviewing = false

  constructor(
    private readonly parley: Parley,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.timers = [
      setInterval(() => void this.tellDepartures(), LOOK_EVERY_MS).unref(),
      setInterval(() => void this.beat(), PRESENCE_BEAT_MS).unref(),
      setInterval(() => void this.review(), PRESENCE_REVIEW_MS).unref(),
    ]
  }

  /** Resolves after the first try; while that fails, it is repeated for as long as the socket is there. */
  async arrive(connection: SocketConnection): Promise<void> {
    const { actor, socketId } = connection
    try {
      const result = await this.parley.registerUser.execute(actor, { socketId })
      if (!result.ok) connection.end({ reason: 'ended' })
    } catch (error) {
      this.onFailure(error)
      setTimeout(() => {
        if (!connection.isOver) void this.arrive(connection)
      }, RETRY_MS).unref()
    }
  }

  /** The socket has gone; at once where its login has ended, else after the time it may take to come back. */
  depart({ socketId, actor }: SocketConnection, atOnce: boolean): void {
    const dueMs = performance.now() + (atOnce ? 0 : PRESENCE_GRACE_MS)
    this.departures.set(socketId, { userId: actor.userId, dueMs })
    if (atOnce) void this.tellDepartures()
  }

  /** Tells of all that have gone, without the grace. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer)
    await this.telling
    let before = Number.POSITIVE_INFINITY
    while (this.departures.size > 0 && this.departures.size < before) {
      before = this.departures.size
      await this.tellBatch(this.dueAt(Number.POSITIVE_INFINITY))
    }
  }

  /** Tells of all that are due, also of those who become so meanwhile. */
  private tellDepartures(): Promise<void> {
    this.telling ??= this.tellWhileDue().finally(() => {
      this.telling = null
    })
    return this.telling
  }

  private async tellWhileDue(): Promise<void> {
    for (let due = this.dueAt(performance.now()); due.length > 0; due = this.dueAt(performance.now()))
      await this.tellBatch(due)
  }

  private dueAt(nowMs: number): readonly [SocketId, Departure][] {
    return [...this.departures].filter(([, { dueMs }]) => dueMs <= nowMs).slice(0, BATCH)
  }

  private async tellBatch(due: readonly [SocketId, Departure][]): Promise<void> {
    for (const [socketId] of due) this.departures.delete(socketId)
    await Promise.all(due.map(([socketId, departure]) => this.tell(socketId, departure)))
  }

  private async tell(socketId: SocketId, departure: Departure): Promise<void> {
    try {
      await this.parley.disconnectUser.execute({ socketId, userId: departure.userId })
    } catch (error) {
      this.onFailure(error)
      this.departures.set(socketId, { ...departure, dueMs: performance.now() + RETRY_MS })
    }
  }

  private async beat(): Promise<void> {
    await this.parley.sweepPresence.execute().catch(this.onFailure)
  }

  private async review(): Promise<void> {
    if (this.isReviewing) return
    this.isReviewing = true
    await this.parley.reviewPresence.execute().catch(this.onFailure)
    this.isReviewing = false
  }
}
