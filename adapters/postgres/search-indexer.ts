import type { RoomId } from '../../core/domain/ids.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import type { RoomLogPort } from '../../core/ports/room-log-port.js'
import type { Database } from './database.js'
import { NewMessages } from './new-messages.js'
import {
  addSearchHeads,
  indexMessages,
  lockFreeSearchHeads,
  roomsLeftBehind,
} from './search-index-statements.js'

const PORT = 'SearchIndexer'
const ROOMS_A_CHUNK = 50
/** What a search reads as texts in some 300 ms. */
const FAR_BEHIND = 20_000
/** What a search reads as texts in some 30 ms. */
const TAIL_MAX = 2_000
/** Beside more messages of its process the index waits: the database has enough to do with them. */
const RUSH_PER_SECOND = 1_000
/** A chunk for which the database works longer holds up what else it has to do; the next is half as large. */
const CHUNK_MS = 15
/** To the database and back, for one chunk. */
const ROUND_TRIPS = 5
/** How long it rests after each chunk, as a multiple of the time that the chunk took. */
const REST = { idle: 1, committing: 9, busy: 30 } as const
const CHUNK_MIN = 10
/** The database ends a chunk of a process that says nothing for so long, and with it what the chunk holds. */
const SILENCE_MAX_MS = 500

export type SearchIndexerOptions = {
  /** How long messages wait at first, so that those of a while are indexed together. */
  readonly delayMs?: number
  /** Messages that one transaction indexes at most. */
  readonly chunk?: number
  /** With more messages a second of its process it leaves rooms for later that have fewer than `tailMax` new ones. */
  readonly rushPerSecond?: number
  readonly tailMax?: number
  /** How often it looks for rooms that nobody has indexed, a process that died for one. */
  readonly lookEveryMs?: number
  /** New rooms that it remembers; of more than that only that there are such, for which it then looks. */
  readonly maxPending?: number
  /** How long it leaves the database alone after a failure. */
  readonly retryMs?: number
  /** Told why indexing failed; it is tried again. Must not throw. */
  readonly onError?: (error: unknown) => void
}

const DEFAULTS = {
  delayMs: 1_000,
  chunk: 200,
  rushPerSecond: RUSH_PER_SECOND,
  tailMax: TAIL_MAX,
  lookEveryMs: 600_000,
  maxPending: 10_000,
  retryMs: 5_000,
  onError: (): void => {},
}

/**
 * Fills the index of search, which a send leaves alone. Search is right without it, and slower the more is not indexed: any
 * number of processes may run one, or none. It uses one connection, a tenth of the time while this process commits
 * messages and half of it otherwise, or where a room is far behind, in transactions of at most `chunk` messages. While the database
 * is busy these are smaller, and take a thirtieth of the time. They lock no room, but an edit or a deletion in one of their rooms
 * waits for their end. In a rush of sends rooms wait of which a search can read the new messages as they are. What a crash loses
 * of its memory is found when another starts, or looks.
 */
export class SearchIndexer {
  private readonly fresh: NewMessages
  /** Rooms to be indexed, each of which has its turn before any has another. */
  private readonly queue = new Set<RoomId>()
  private readonly options: Required<SearchIndexerOptions>
  /** Messages that the next chunk may hold. */
  private chunkSize: number
  /** The shortest time to the database and back that was seen: that of the way alone, without waiting. */
  private roundTripMs = Number.POSITIVE_INFINITY
  private commits = 0
  private lookAtMs = 0
  /** Where a look goes on that is not done yet. */
  private lookAfter: RoomId | null = null
  private isClosed = false
  private running: Promise<void> | null = null
  private wake: () => void = () => {}

  constructor(
    private readonly database: Database,
    private readonly log: Pick<RoomLogPort, 'onCommitted'>,
    options: SearchIndexerOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options }
    this.chunkSize = this.options.chunk
    this.fresh = new NewMessages({ ...this.options, maxRooms: this.options.maxPending })
  }

  start(): void {
    if (this.running !== null) return
    this.log.onCommitted((commit) => this.noticed(commit))
    this.running = this.run()
  }

  /** Resolves when nothing of it is under way any more. */
  async close(): Promise<void> {
    this.isClosed = true
    this.wake()
    await this.running
  }

  private noticed({ roomId, events }: RoomCommit): void {
    let sent = 0
    for (const { type } of events) if (type === 'message.sent') sent += 1
    if (this.isClosed || sent === 0) return
    this.commits += 1
    if (!this.fresh.add(roomId, sent)) this.lookAtMs = 0
  }

  private async run(): Promise<void> {
    const { delayMs, retryMs, onError } = this.options
    await this.pause(delayMs)
    while (!this.isClosed) {
      const failed = await this.catchUp().then(
        () => false,
        (error: unknown) => {
          onError(error)
          return true
        },
      )
      await this.pause(failed ? retryMs : delayMs)
    }
  }

  /** Until nothing is left to do. What comes meanwhile is taken in as often as otherwise, lest one room wait for all of another. */
  private async catchUp(): Promise<void> {
    for (let gatherAtMs = 0; !this.isClosed; ) {
      if (performance.now() >= gatherAtMs) {
        await this.gather()
        gatherAtMs = performance.now() + this.options.delayMs
      }
      if (this.queue.size === 0) return
      await this.indexNext()
    }
  }

  private async gather(): Promise<void> {
    if (this.queue.size < this.options.maxPending) await this.look()
    for (const roomId of this.fresh.take()) this.queue.add(roomId)
  }

  /** Where it is time for it, for a page of the rooms that are behind. */
  private async look(): Promise<void> {
    const { lookEveryMs, maxPending } = this.options
    const { lookAfter } = this
    if (lookAfter === null) {
      if (performance.now() < this.lookAtMs) return
      // Before it begins, as it may miss what comes from here on.
      this.lookAtMs = performance.now() + lookEveryMs
    }
    try {
      const rooms = await this.database.call(PORT, (sql) => roomsLeftBehind(sql, lookAfter, maxPending))
      for (const { id } of rooms) {
        this.queue.add(id)
        this.fresh.forget(id)
      }
      this.lookAfter = rooms.length === maxPending ? (rooms.at(-1)?.id ?? null) : null
    } catch (error) {
      this.lookAtMs = 0
      throw error
    }
  }

  /** Rooms that others are busy with wait for the next time. */
  private async indexNext(): Promise<void> {
    const startedAtMs = performance.now()
    const { commits } = this
    const chunk = firstOf(this.queue, Math.min(ROOMS_A_CHUNK, this.chunkSize))
    for (const roomId of chunk) this.queue.delete(roomId)
    try {
      const { behind, busy, isFarBehind } = await this.indexChunk(chunk)
      for (const roomId of behind) this.queue.add(roomId)
      for (const roomId of busy) this.fresh.putBack(roomId)
      const tookMs = performance.now() - startedAtMs
      this.fit(tookMs)
      const isIdle = this.commits === commits || isFarBehind
      await this.pause(tookMs * (isIdle ? REST.idle : this.isBusy() ? REST.busy : REST.committing))
    } catch (error) {
      for (const roomId of chunk) this.queue.add(roomId)
      throw error
    }
  }

  /** Whether chunks had to become small lately, because others keep the database busy. */
  private isBusy(): boolean {
    return this.chunkSize < this.options.chunk / 2
  }

  private fit(tookMs: number): void {
    const isSlow = tookMs - ROUND_TRIPS * this.roundTripMs > CHUNK_MS
    const next = isSlow ? this.chunkSize / 2 : this.chunkSize * 1.5
    this.chunkSize = Math.min(this.options.chunk, Math.max(CHUNK_MIN, Math.round(next)))
  }

  private async indexChunk(roomIds: readonly RoomId[]) {
    const startedAtMs = performance.now()
    await this.database.call(PORT, (sql) => addSearchHeads(sql, roomIds))
    this.roundTripMs = Math.min(this.roundTripMs, performance.now() - startedAtMs)
    return this.database.transaction(PORT, async (tx) => {
      // A crash of the database may lose the end of it: messages that are then not indexed yet.
      const settings = tx`
        select set_config('synchronous_commit', 'off', true),
          set_config('idle_in_transaction_session_timeout', ${String(SILENCE_MAX_MS)}, true)`.execute()
      const [locked] = await Promise.all([lockFreeSearchHeads(tx, roomIds).execute(), settings])
      const free = locked.map(({ room_id }) => room_id)
      const width = Math.floor(this.chunkSize / Math.max(1, free.length))
      const indexed = free.length === 0 ? [] : await indexMessages(tx, free, width)
      const behind = indexed.filter(({ missing }) => missing > 0)
      const held = new Set(free)
      return {
        behind: behind.map(({ room_id }) => room_id),
        busy: roomIds.filter((roomId) => !held.has(roomId)),
        isFarBehind: behind.some(({ missing }) => missing > FAR_BEHIND),
      }
    })
  }

  /** Ended by `close`. Keeps no process alive. */
  private async pause(ms: number): Promise<void> {
    if (this.isClosed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function firstOf<T>(values: Iterable<T>, count: number): readonly T[] {
  const first: T[] = []
  for (const value of values) {
    if (first.length === count) break
    first.push(value)
  }
  return first
}
