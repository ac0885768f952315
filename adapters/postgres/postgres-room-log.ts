import { availableParallelism } from 'node:os'
import { isId, type RoomId } from '../../core/domain/ids.js'
import { notFound, type Refusal } from '../../core/domain/refusal.js'
import { ok, type Result } from '../../core/domain/result.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { EventPage, RoomLogPort, RoomWrite } from '../../core/ports/room-log-port.js'
import { type Batch, batchSize } from './batch-size.js'
import type { CommitListeners } from './commit-listeners.js'
import type { Transaction } from './connection.js'
import type { Database } from './database.js'
import { isLockTimeout } from './errors.js'
import { SharedReads } from './gathered-reads.js'
import { KnownAppends, type Planned } from './known-appends.js'
import { type LockMode, type Outcome, runBatch } from './room-batch.js'
import { type EventRead, readEvents } from './room-events.js'
import { endingSilentTransactions } from './silent-transactions.js'
import { type WaitingWrite, WriteQueue } from './write-queue.js'

const PORT = 'RoomLogPort'
/** How often a room that others hold locked is tried again. */
const CONTENDED_RETRY_MS = 25
const RETRY_AFTER_MS = 1_000
/** Each may bring a page of 500 events. */
const READS_MAX = 20

const keyOfRead = ({ roomId, since, limit }: EventRead): string => `${roomId} ${since} ${limit}`

export type RoomLogOptions = {
  /** Writes that may wait; the next one is refused at once. */
  readonly maxWaiting?: number
  /** Batches under way at once, of different rooms; two where there is a core for the database beside this process. */
  readonly lanes?: number
}

/**
 * The log of each room, with group commit: writes that arrive while a transaction is under way are committed together by
 * the next ones, whatever their rooms. Rooms that another process holds locked for long, or whose search heads it does where words
 * may change, are tried apart from the others.
 */
export class PostgresRoomLog implements RoomLogPort {
  private readonly queue = new WriteQueue()
  private readonly appends: KnownAppends
  private readonly reads: SharedReads<EventRead, EventPage | null>
  private readonly maxWaiting: number
  private readonly lanes: number
  private readonly endSilentTransactions: () => void
  private running = 0
  private lastBatch: Batch = { writes: 0, tookMs: 0 }
  private isScheduled = false
  private contendedIsRunning = false

  constructor(
    private readonly database: Database,
    private readonly listeners: CommitListeners,
    options: RoomLogOptions = {},
  ) {
    this.maxWaiting = options.maxWaiting ?? 5_000
    this.lanes = options.lanes ?? Math.min(2, availableParallelism())
    this.endSilentTransactions = endingSilentTransactions(database, PORT)
    this.appends = new KnownAppends(PORT, database, listeners)
    this.reads = new SharedReads(database, PORT, readEvents, keyOfRead, READS_MAX)
  }

  onCommitted(listener: (commit: RoomCommit) => void): void {
    this.listeners.add(listener)
  }

  async read(roomId: RoomId, since: number, limit: number): Promise<EventPage | null> {
    if (!isId(roomId)) return null
    return this.reads.call({ roomId, since, limit })
  }

  write<A>(write: RoomWrite<A>): Promise<Result<A, Refusal>> {
    if (!isId(write.roomId)) return Promise.resolve(notFound())
    if (this.queue.length >= this.maxWaiting)
      return Promise.reject(
        new PortUnavailable(PORT, new Error('Too many writes wait for the database'), RETRY_AFTER_MS),
      )
    return new Promise((resolve, reject) => {
      const settled = resolve as (result: Result<unknown, Refusal>) => void
      const expiresAt = performance.now() + this.database.queryDeadlineMs
      this.queue.add({ write, expiresAt, resolve: settled, reject })
      this.schedule()
    })
  }

  /** One turn of the event loop lets what else arrives in this tick join the batch. */
  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      this.begin()
    })
  }

  private begin(): void {
    for (const { reject } of this.queue.takeExpired(performance.now())) reject(waitedTooLong())
    while (this.running < this.lanes) {
      const batch = this.queue.take('free', batchSize(this.lastBatch))
      if (batch.length === 0) break
      this.start(batch)
    }
    if (!this.contendedIsRunning) void this.tryContended()
  }

  /** Sends into rooms that are known go the short way, and are not held up by what has to be read first. */
  private start(batch: readonly WaitingWrite[]): void {
    const { planned, others } = this.appends.plan(batch)
    if (planned.length > 0) this.occupy(this.runPlanned(planned), batch.length - others.length)
    if (others.length > 0) this.occupy(this.run(others, 'brief'), others.length)
  }

  private async runPlanned(planned: readonly Planned[]): Promise<void> {
    const left = await this.appends.append(planned)
    const goesOn = new Set(left.map(({ plan }) => plan.row.id))
    for (const { plan } of planned) if (!goesOn.has(plan.row.id)) this.queue.giveBack(plan.row.id, 'free')
    const others = left.flatMap(({ waiting }) => waiting)
    if (others.length > 0) await this.run(others, 'brief')
  }

  private occupy(lane: Promise<unknown>, writes: number): void {
    const startedAtMs = performance.now()
    this.running += 1
    void lane.finally(() => {
      this.running -= 1
      this.lastBatch = { writes, tookMs: performance.now() - startedAtMs }
      this.schedule()
    })
  }

  private async tryContended(): Promise<void> {
    const batch = this.queue.take('contended', batchSize(this.lastBatch))
    if (batch.length === 0) return
    this.contendedIsRunning = true
    const isStillLocked = await this.run(batch, 'skip')
    if (isStillLocked) {
      this.endSilentTransactions()
      await new Promise((resolve) => setTimeout(resolve, CONTENDED_RETRY_MS))
    }
    this.contendedIsRunning = false
    this.schedule()
  }

  /** Commits and answers a batch and gives its rooms back; whether any of them was locked elsewhere. */
  private async run(batch: readonly WaitingWrite[], mode: LockMode): Promise<boolean> {
    const locked = await this.commit(batch, mode).catch((error: unknown) => {
      // A bug: whoever has not been answered is told, and the rooms go on.
      for (const { reject } of batch) reject(error)
      return []
    })
    const contended = new Set(locked.map(({ write }) => write.roomId))
    this.queue.putBack(locked)
    for (const { write } of batch)
      this.queue.giveBack(write.roomId, contended.has(write.roomId) ? 'contended' : 'free')
    return locked.length > 0
  }

  /** Answers all writes but those whose rooms are locked elsewhere, which it returns. */
  private async commit(batch: readonly WaitingWrite[], mode: LockMode): Promise<readonly WaitingWrite[]> {
    const result = await this.attempt(batch, mode)
    return 'error' in result ? this.recover(batch, result.error, mode) : result.locked
  }

  /** As `commit`, but answers nobody where the transaction fails. */
  private async attempt(batch: readonly WaitingWrite[], mode: LockMode): Promise<Attempt> {
    const writes = batch.map(({ write }) => write)
    const work = (tx: Transaction) => runBatch(tx, writes, mode)
    const result = await this.database.transaction(PORT, work, { first: true }).catch(thrown)
    if ('error' in result) return result
    result.teach(this.appends.rooms)
    this.listeners.tell(result.commits)
    const locked = batch.filter((waiting, index) => {
      const outcome = result.outcomes[index]
      if (outcome === undefined || outcome.kind === 'locked') return true
      answer(waiting, outcome)
      return false
    })
    return { locked }
  }

  private async recover(
    batch: readonly WaitingWrite[],
    error: unknown,
    mode: LockMode,
  ): Promise<readonly WaitingWrite[]> {
    if (mode === 'brief' && isLockTimeout(error)) return this.commit(batch, 'skip')
    // An outage concerns the whole batch; anything else only the write that causes it, so each is tried alone.
    if (!(error instanceof PortUnavailable) && batch.length > 1) return this.commitEach(batch)
    for (const { reject } of batch) reject(error)
    return []
  }

  /** One by one, up to the first that meets an outage, which the rest would only meet again; none whose time is up. */
  private async commitEach(batch: readonly WaitingWrite[]): Promise<readonly WaitingWrite[]> {
    const locked: WaitingWrite[] = []
    for (const [index, waiting] of batch.entries()) {
      if (waiting.expiresAt <= performance.now()) {
        waiting.reject(waitedTooLong())
        continue
      }
      const result = await this.attempt([waiting], 'skip')
      if (!('error' in result)) locked.push(...result.locked)
      else if (!(result.error instanceof PortUnavailable)) waiting.reject(result.error)
      else {
        for (const { reject } of batch.slice(index)) reject(result.error)
        break
      }
    }
    return locked
  }
}

type Attempt = { readonly locked: readonly WaitingWrite[] } | { readonly error: unknown }

const waitedTooLong = () => new PortUnavailable(PORT, new Error('The write waited too long'), RETRY_AFTER_MS)

const thrown = (error: unknown): { readonly error: unknown } => ({ error })

function answer(waiting: WaitingWrite, outcome: Exclude<Outcome, { kind: 'locked' }>): void {
  if (outcome.kind === 'refused') waiting.resolve(outcome.refusal)
  else if (outcome.kind === 'failed') waiting.reject(outcome.error)
  else
    try {
      waiting.resolve(ok(outcome.answer(outcome.events)))
    } catch (error) {
      waiting.reject(error)
    }
}
