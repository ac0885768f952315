import postgres from 'postgres'

export type BusListenerOptions = {
  readonly url: string
  readonly applicationName: string
  readonly channel: string
  readonly onPayload: (payload: string) => void
  /** Called each time when it listens, the first time included. */
  readonly onListening: () => void
}

const RETRY_MAX_S = 1

/** One connection that listens, and listens again whenever it was lost; postgres.js sees to that. */
export class BusListener {
  private sql: postgres.Sql | null = null

  constructor(private readonly options: BusListenerOptions) {}

  /** Starts to listen, on a new connection where there was one. */
  start(): void {
    void this.stop()
    const { url, applicationName, channel, onPayload, onListening } = this.options
    const sql = postgres(url, {
      max: 1,
      fetch_types: false,
      connect_timeout: 5,
      keep_alive: 10,
      // With the default, the pauses between attempts grow to 20 s.
      backoff: (attempt) => Math.min(0.05 * 2 ** attempt, RETRY_MAX_S) * (0.5 + Math.random() / 2),
      onnotice: () => undefined,
      connection: { application_name: `${applicationName}-listen` },
    })
    this.sql = sql
    const isCurrent = () => this.sql === sql
    sql
      .listen(
        channel,
        (payload) => isCurrent() && onPayload(payload),
        () => isCurrent() && onListening(),
      )
      // Not lost: after a first attempt that failed, too, the library tries again until it listens.
      .catch(() => undefined)
  }

  async stop(): Promise<void> {
    const { sql } = this
    this.sql = null
    await sql?.end({ timeout: 0 }).catch(() => undefined)
  }
}
