/** The embedded Postgres cannot start or go on. The message is one line, meant for the operator. */
export class EmbeddedPostgresFailed extends Error {
  override readonly name: string = 'EmbeddedPostgresFailed'

  constructor(message: string, cause?: unknown) {
    super(message.replace(/\s*\n\s*/g, ' ').trim(), cause === undefined ? undefined : { cause })
  }
}

/** Another server owns the data directory; it was left alone. */
export class DataDirectoryInUse extends EmbeddedPostgresFailed {
  override readonly name = 'DataDirectoryInUse'

  constructor(
    readonly dataDir: string,
    /** Null when the holder did not leave its pid. */
    readonly holderPid: number | null,
  ) {
    const holder = holderPid === null ? 'another server' : `the server with pid ${holderPid}`
    super(
      `${dataDir} is in use by ${holder}: stop that one, give this one another PARLEY_DATA_DIR, ` +
        'or run several servers on one database by setting DATABASE_URL.',
    )
  }
}

/** The data directory was written by another major version of Postgres; nothing was touched. */
export class IncompatibleDataDirectory extends EmbeddedPostgresFailed {
  override readonly name = 'IncompatibleDataDirectory'

  constructor(clusterDir: string, found: string, expected: number) {
    super(
      `${clusterDir} was written by PostgreSQL ${found}, and this server carries PostgreSQL ${expected}: ` +
        `move the data with the pg_dump and psql of version ${found}, or set PARLEY_DATA_DIR to a new directory.`,
    )
  }
}

/** The `code` of a system or database error, or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
