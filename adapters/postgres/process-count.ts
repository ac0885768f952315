import { PRESENCE_BEAT_MS } from '../../core/ports/presence-port.js'
import type { Database } from './database.js'

const PORT = 'RateLimitPort'

/** How many processes work on the database, by their leases, as it was when they were last counted. */
export class ProcessCount {
  private counted = 1
  private readonly timer: ReturnType<typeof setInterval>

  constructor(
    private readonly database: Pick<Database, 'call'>,
    everyMs = PRESENCE_BEAT_MS,
  ) {
    // What was counted last will do where it cannot be asked.
    const count = () => void this.count().catch(() => undefined)
    this.timer = setInterval(count, everyMs).unref()
    count()
  }

  /** At least 1: this process, which may have no lease yet. */
  get value(): number {
    return this.counted
  }

  close(): void {
    clearInterval(this.timer)
  }

  private async count(): Promise<void> {
    const [row] = await this.database.call(
      PORT,
      (sql) => sql<{ live: number }[]>`
        select count(*)::int as live from process_leases where expires_at > clock_timestamp()`,
    )
    this.counted = Math.max(1, row?.live ?? 0)
  }
}
