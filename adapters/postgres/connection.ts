import { connect, type Socket } from 'node:net'
import postgres from 'postgres'

const NEEDS_ESCAPES = /[\\"]/

function textLiteral(value: string | null): string {
  if (value === null) return 'null'
  return `"${NEEDS_ESCAPES.test(value) ? value.replace(/[\\"]/g, '\\$&') : value}"`
}

const types = {
  /** int8 columns hold seqs, counts and times in ms, all far below 2^53. */
  bigint: {
    to: 20,
    from: [20],
    parse: (text: string): number => Number(text),
    serialize: (value: number): string => String(value),
  },
  /** Parameters of text[]; lists are read as JSON. */
  texts: {
    to: 1009,
    from: [1009],
    parse: (text: string): string => text,
    serialize: (values: readonly (string | null)[]): string => `{${values.map(textLiteral).join(',')}}`,
  },
  /**
   * Parameters of boolean[], int8[], float8[] and uuid[]: numbers, well-formed ids (`isId`), and 'true' or 'false' as text, as an array of
   * booleans would be taken for a boolean. None of them needs quotes; what does must not come here.
   */
  plain: {
    to: 2951,
    from: [1000, 1016, 1022, 2951],
    parse: (text: string): string => text,
    serialize: (values: readonly (string | number | null)[]): string =>
      `{${(values.includes(null) ? values.map((value) => value ?? 'null') : values).join(',')}}`,
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

/** What postgres.js tells whoever makes its sockets; its types leave this out. */
type Target = {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
}

/**
 * Sends at once what is written. Without it, Nagle's algorithm (RFC 896) holds back what follows on an unanswered packet, so
 * that each of several statements in a row waits for up to 40 ms for the delayed acknowledgement of the one before. The host
 * and port are kept for TLS.
 */
async function connectWithoutDelay({ host: [host], port: [port], path }: Target): Promise<Socket> {
  // In a microtask: an error that comes at once (no descriptor left) is then told after the library has begun to listen for it;
  // before that, it would end the process.
  await null
  const socket = path ? connect({ path }) : connect({ host, port: port ?? 5_432, noDelay: true })
  return Object.assign(socket, { host, port })
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
    ...{ socket: connectWithoutDelay },
    connection: { application_name: settings.applicationName, ...settings.parameters },
  })
}

/**
 * Lets go of what an answered query was given. V8 allocates functions that are assigned to a property in its old generation, among
 * them `resolve` and `reject` of each query of postgres.js (3.4.9, query.js): dead as they are, they keep the query, and with it its
 * parameters, through every collection of the young generation up to the next full one. For queries with many or large parameters.
 */
export function forgetParameters(query: PromiseLike<unknown>): void {
  Object.assign(query, { args: [], parameters: [] })
}
