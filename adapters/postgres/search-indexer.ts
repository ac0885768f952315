import type { RoomId } from '../../core/domain/ids.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import type { RoomLogPort } from '../../core/ports/room-log-port.js'
import type { Database } from './database.js'
import {
  addSearchHeads,
  indexMessages,
  lockFreeSearchHeads,
  roomsLeftBehind,
} from './search-index-statements.js'

const PORT = 'SearchIndexer'
const ROOMS_A_CHUNK = 50

export type SearchIndexerOptions = {
  /** How long messages wait at first, so that those of a while are indexed together. */
  readonly delayMs?: number
  /** Messages that one transaction indexes at most. */
  readonly chunk?: number
  /** How often it looks for rooms that nobody has indexed, a process that died for one. */
  readonly lookEveryMs?: number
  /** Rooms that it remembers; of more than that only that there are such, for which it then looks. */
  readonly maxPending?: number
  /** How long it leaves the database alone after a failure. */
  readonly retryMs?: number
  /** Told why indexing failed; it is tried again. Must not throw. */
  readonly onError?: (error: unknown) => void
}

const DEFAULTS = {
  delayMs: 1_000,
  chunk: 200,
  lookEveryMs: 600_000,
  maxPending: 10_000,
  retryMs: 5_000,
  onError: (): void => {},
}

/**
 * Fills the index of search, which a send leaves alone. Search is right without it, and slower the more is not indexed: any
 * number of processes may run one, or none. It uses one connection, a tenth of the time while this process commits
 * messages and half of it otherwise, in transactions of at most `chunk` messages. These lock no room, but an edit or a deletion
 * in one of their rooms waits for their end. What a crash loses of its memory is found when another starts, or looks.
 */
export class SearchIndexer {
  private readonly pending = new Set<RoomId>()
  private readonly options: Required<SearchIndexerOptions>
  private commits = 0
  private lookAtMs = 0
  private isClosed = false
  private running: Promise<void> | null = null
  private wake: () => void = () => {}

  constructor(
    private readonly database: Database,
    private readonly log: Pick<RoomLogPort, 'onCommitted'>,
    options: SearchIndexerOptions = {},
  ) {
    this.options = { ...DEFAULTS, ...options }
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
    if (this.isClosed || !events.some(({ type }) => type === 'message.sent')) return
    this.commits += 1
    if (this.pending.size < this.options.maxPending) this.pending.add(roomId)
    else this.lookAtMs = 0
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

  private async catchUp(): Promise<void> {
    if (performance.now() >= this.lookAtMs) await this.look()
    await this.indexPending()
  }

  private async look(): Promise<void> {
    const { lookEveryMs, maxPending } = this.options
    this.lookAtMs = performance.now() + lookEveryMs
    try {
      for (let after: RoomId | null = null, more = true; more && !this.isClosed; ) {
        const rooms: readonly { id: RoomId }[] = await this.roomsAfter(after)
        for (const { id } of rooms) this.pending.add(id)
        await this.indexPending()
        after = rooms.at(-1)?.id ?? null
        more = rooms.length === maxPending
      }
    } catch (error) {
      this.lookAtMs = 0
      throw error
    }
  }

  private roomsAfter(after: RoomId | null) {
    return this.database.call(PORT, (sql) => roomsLeftBehind(sql, after, this.options.maxPending))
  }

  /** All of the rooms that are pending now, but for those that others are busy with: like new messages, they wait for the next time. */
  private async indexPending(): Promise<void> {
    const rooms = new Set(this.pending)
    this.pending.clear()
    try {
      while (rooms.size > 0 && !this.isClosed) {
        const startedAtMs = performance.now()
        const { commits } = this
        const chunk = firstOf(rooms, Math.min(ROOMS_A_CHUNK, this.options.chunk))
        const { behind, busy } = await this.indexChunk(chunk)
        for (const roomId of chunk) rooms.delete(roomId)
        for (const roomId of behind) rooms.add(roomId)
        for (const roomId of busy) this.pending.add(roomId)
        const tookMs = performance.now() - startedAtMs
        await this.pause(this.commits === commits ? tookMs : tookMs * 9)
      }
    } finally {
      for (const roomId of rooms) this.pending.add(roomId)
    }
  }

  private indexChunk(roomIds: readonly RoomId[]) {
    return this.database.transaction(PORT, async (tx) => {
      // A crash of the database may lose the end of it: messages that are then not indexed yet.
      const lazy = tx`select set_config('synchronous_commit', 'off', true)`.execute()
      const added = addSearchHeads(tx, roomIds).execute()
      const [locked] = await Promise.all([lockFreeSearchHeads(tx, roomIds).execute(), lazy, added])
      const free = locked.map(({ room_id }) => room_id)
      const width = Math.floor(this.options.chunk / Math.max(1, free.length))
      const indexed = free.length === 0 ? [] : await indexMessages(tx, free, width)
      const behind = indexed.filter((room) => room.is_behind).map(({ room_id }) => room_id)
      const held = new Set(free)
      return { behind, busy: roomIds.filter((roomId) => !held.has(roomId)) }
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
