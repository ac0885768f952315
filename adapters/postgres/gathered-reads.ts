import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type { Sql } from './connection.js'
import type { Database } from './database.js'
import { GatheredCalls } from './gathered-calls.js'
import { saturation } from './saturation.js'

/** Reads in one statement are of one moment, and it is a short one. */
const READS_MAX = 50
/** More than a storm of returning clients has at once. */
const WAITING_MAX = 10_000

/** How long reads gather where the process is at its limit: much less than what waits there for its turn anyway. */
const SPACING_MS = 40
const isSaturated = saturation()

type Read<Item, Answer> = (sql: Sql, items: readonly Item[]) => Promise<readonly Answer[]>

/** Reads that arrive together, in one statement; each is of a moment after its call. */
export function gatheredReads<Item, Answer>(
  database: Database,
  port: string,
  read: Read<Item, Answer>,
  maxBatch = READS_MAX,
): GatheredCalls<Item, Answer> {
  return new GatheredCalls((items) => database.call(port, (sql) => read(sql, items)), {
    port,
    maxBatch,
    maxWaiting: WAITING_MAX,
    deadlineMs: database.queryDeadlineMs,
    keyOf: () => '',
    mayShare: () => true,
    spacingMs: () => (isSaturated() ? SPACING_MS : 0),
  })
}

/**
 * The same, where many ask for the same at once: one that waits is read once for all who have asked by then, and each gets
 * the same answer, which nobody may change.
 */
export class SharedReads<Item, Answer> {
  private readonly waiting = new Map<string, Promise<Answer>>()
  private readonly gathered: GatheredCalls<Item, Answer>
  private callers = 0

  constructor(
    database: Database,
    private readonly port: string,
    read: Read<Item, Answer>,
    private readonly keyOf: (item: Item) => string,
    maxBatch?: number,
  ) {
    const readThese: Read<Item, Answer> = (sql, items) => {
      // Whoever asks from now on asks for a later moment than this one.
      for (const item of items) this.waiting.delete(keyOf(item))
      return read(sql, items)
    }
    this.gathered = gatheredReads(database, port, readThese, maxBatch)
  }

  async call(item: Item): Promise<Answer> {
    if (this.callers >= WAITING_MAX)
      throw new PortUnavailable(this.port, new Error('Too many calls wait for the database'))
    this.callers += 1
    try {
      return await this.read(item)
    } finally {
      this.callers -= 1
    }
  }

  private read(item: Item): Promise<Answer> {
    const key = this.keyOf(item)
    const known = this.waiting.get(key)
    if (known !== undefined) return known
    const reading = this.gathered.call(item)
    this.waiting.set(key, reading)
    reading.catch(() => {
      if (this.waiting.get(key) === reading) this.waiting.delete(key)
    })
    return reading
  }
}
