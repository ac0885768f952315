import type { RoomId } from '../../core/domain/ids.js'
import { ok } from '../../core/domain/result.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { appendMessages, commitOf, type PlannedAppend, planAppend } from './append-messages.js'
import type { CommitListeners } from './commit-listeners.js'
import type { Database } from './database.js'
import { KnownRooms } from './known-rooms.js'
import type { WaitingWrite } from './write-queue.js'

/** The sends of one room, and what they become if it is as it is known. */
export type Planned = { readonly plan: PlannedAppend; readonly waiting: readonly WaitingWrite[] }

/**
 * The short way of plain sends: decided by what this process knows of their rooms, and committed by one call that compares it.
 * Whatever is not as known has to go the long way, where it is decided under the room's lock.
 */
export class KnownAppends {
  /** For the long way to teach. */
  readonly rooms = new KnownRooms()

  constructor(
    private readonly port: string,
    private readonly database: Database,
    private readonly listeners: CommitListeners,
  ) {}

  /** Parts a batch, in which the writes of a room stand together, into what may go the short way and what may not. */
  plan(batch: readonly WaitingWrite[]): { planned: readonly Planned[]; others: readonly WaitingWrite[] } {
    const byRoom = new Map<RoomId, WaitingWrite[]>()
    for (const waiting of batch) {
      const { roomId } = waiting.write
      const ofRoom = byRoom.get(roomId)
      if (ofRoom === undefined) byRoom.set(roomId, [waiting])
      else ofRoom.push(waiting)
    }
    const planned: Planned[] = []
    const others: WaitingWrite[] = []
    for (const waiting of byRoom.values()) {
      const plan = this.planRoom(waiting)
      if (plan === null) others.push(...waiting)
      else planned.push({ plan, waiting })
    }
    return { planned, others }
  }

  /** Commits and answers; what is returned has not been answered and has to go the long way. Never rejects. */
  async append(planned: readonly Planned[]): Promise<readonly Planned[]> {
    const plans = planned.map(({ plan }) => plan)
    const done = await this.database
      .call(this.port, (sql) => appendMessages(sql, plans, this.rooms.logins), { first: true })
      .catch((error: unknown) => ({ error }))
    if ('error' in done) return this.failed(planned, done.error)
    const appended = planned.filter(({ plan }) => done.has(plan.row.id))
    const commits = appended.map(({ plan }) => commitOf(plan))
    for (const { roomId, heads, events } of commits)
      this.rooms.advance(
        roomId,
        heads,
        events.map(({ actorId }) => actorId),
      )
    this.listeners.tell(commits)
    for (const each of appended) answer(each)
    const left = planned.filter(({ plan }) => !done.has(plan.row.id))
    for (const { plan } of left) this.rooms.forget(plan.row.id)
    return left
  }

  /** An outage concerns them all. What the database refuses is the fault of one, which the long way finds. */
  private failed(planned: readonly Planned[], error: unknown): readonly Planned[] {
    for (const { plan } of planned) this.rooms.forget(plan.row.id)
    if (!(error instanceof PortUnavailable)) return planned
    for (const { waiting } of planned) for (const { reject } of waiting) reject(error)
    return []
  }

  private planRoom(waiting: readonly WaitingWrite[]): PlannedAppend | null {
    try {
      return planAppend(
        this.rooms,
        waiting.map(({ write }) => write),
      )
    } catch {
      // A decision that throws is told of by the long way.
      return null
    }
  }
}

function answer({ plan, waiting }: Planned): void {
  for (const [index, { event, answer }] of plan.placed.entries())
    try {
      waiting[index]?.resolve(ok(answer([event])))
    } catch (error) {
      waiting[index]?.reject(error)
    }
}
