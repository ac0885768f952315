import postgres from 'postgres'

const elementLiteral = (value: unknown): string =>
  value === null ? 'null' : `"${String(value).replace(/[\\"]/g, '\\$&')}"`

const types = {
  /** int8 columns hold seqs, counts and times in ms, all far below 2^53. */
  bigint: {
    to: 20,
    from: [20],
    parse: (text: string): number => Number(text),
    serialize: (value: number): string => String(value),
  },
  /** Parameters of text[], int8[], float8[] and uuid[]; lists are read as JSON. */
  array: {
    to: 1009,
    from: [1009, 1016, 1022, 2951],
    parse: (text: string): string => text,
    serialize: (values: readonly unknown[]): string => `{${values.map(elementLiteral).join(',')}}`,
  },
}

export type Sql = postgres.Sql<{ bigint: number }>
export type Transaction = postgres.TransactionSql<{ bigint: number }>

export type ConnectionSettings = {
  /** How many connections at most. */
  readonly max: number
  readonly applicationName: string
  readonly connectTimeoutMs?: number
  /** Run-time parameters of the server, set when a connection starts. */
  readonly parameters?: Readonly<Record<string, string | number>>
  /** Told each time when a connection is gone, or could not be made. */
  readonly onLost?: () => void
}

/** Opens connections as they are needed; nothing is connected yet when this returns. Whoever opens it ends it. */
export function openConnections(url: string, settings: ConnectionSettings): Sql {
  return postgres(url, {
    max: settings.max,
    types,
    // Asking for the types of arrays would be a query that nobody awaits, whose failure would end the process.
    fetch_types: false,
    connect_timeout: (settings.connectTimeoutMs ?? 5_000) / 1_000,
    keep_alive: 10,
    // The default ends connections by their age, which would look like losing them.
    max_lifetime: null,
    onclose: () => settings.onLost?.(),
    // The default writes every notice to the console.
    onnotice: () => {},
    connection: { application_name: settings.applicationName, ...settings.parameters },
  })
}
