import { setTimeout as sleep } from 'node:timers/promises'
import { PRESENCE_BEAT_MS } from '../../core/ports/presence-port.js'
import type { Database } from './database.js'
import { ProcessLease } from './process-lease.js'

const PORT = 'RateLimitPort'

export type ProcessCountOptions = {
  readonly everyMs?: number
  /** How often they are counted at first, and while they could not be: those that start together must not take each other for absent. */
  readonly eagerEveryMs?: number
  readonly eagerForMs?: number
  /** The longest that a start waits for a database that does not answer. */
  readonly startWithinMs?: number
}

const DEFAULTS = {
  everyMs: PRESENCE_BEAT_MS,
  eagerEveryMs: 1_000,
  eagerForMs: 3 * PRESENCE_BEAT_MS,
  startWithinMs: 1_000,
}

/** How many processes work on the database, by their leases, as it was when they were last counted. */
export class ProcessCount {
  private others = 0
  private eagerUntilMs = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private closed = false
  private readonly settings: Required<ProcessCountOptions>

  constructor(
    private readonly database: Database,
    options: ProcessCountOptions = {},
  ) {
    this.settings = { ...DEFAULTS, ...options }
  }

  /** This process, which may have no lease yet, and the others; 1 before `start`. */
  get value(): number {
    return 1 + this.others
  }

  /** Counts from now on; resolves after the first time, or without it where the database is away or slow. Never rejects. */
  async start(): Promise<void> {
    const { eagerForMs, startWithinMs } = this.settings
    this.eagerUntilMs = performance.now() + eagerForMs
    await Promise.race([this.countAndGoOn(), sleep(startWithinMs, undefined, { ref: false })])
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  private async countAndGoOn(): Promise<void> {
    // What was counted last will do where it cannot be asked.
    const isCounted = await this.count().then(
      () => true,
      () => false,
    )
    if (this.closed) return
    const { everyMs, eagerEveryMs } = this.settings
    const isEager = !isCounted || performance.now() < this.eagerUntilMs
    this.timer = setTimeout(() => void this.countAndGoOn(), isEager ? eagerEveryMs : everyMs).unref()
  }

  private async count(): Promise<void> {
    const { bootId } = ProcessLease.of(this.database)
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ others: number }[]>`
        select count(*)::int as others from process_leases
        where boot_id <> ${bootId} and expires_at > clock_timestamp()`,
    )
    this.others = row?.others ?? 0
  }
}
