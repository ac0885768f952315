import type { Observe } from './observation.js'
import type { ClientStorage } from './storage.js'

/** As much of `fetch` as the client needs; every `fetch` fits. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly credentials: 'include' | 'omit'
    readonly signal: AbortSignal
    readonly body?: string
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>

/** As much of a socket of `socket.io-client` as the client needs. */
export interface SocketLike {
  readonly id?: string | undefined
  readonly connected: boolean
  connect(): unknown
  disconnect(): unknown
  on(event: string, listener: (...args: never[]) => void): unknown
  onAny(listener: (event: string, ...args: unknown[]) => void): unknown
  off(): unknown
  emit(event: string, payload: unknown, ack: (answer: unknown) => void): unknown
}

/** Opens no connection yet: the client calls `connect`. By default this is `io` of socket.io-client. */
export type SocketFactory = (url: string, options: Record<string, unknown>) => SocketLike

/** Time and chance, which a test may control. */
export interface Environment {
  /** Milliseconds since 1970; may jump. */
  nowMs(): number
  /** Milliseconds that never jump. */
  monotonicMs(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
  /** From 0 up to but without 1. */
  random(): number
  /** Not to be guessed, at most 64 of `[A-Za-z0-9_-]`. */
  newId(): string
}

export type ClientOptions = {
  /**
   * Where the server is, such as `https://chat.example.org`. A function is asked anew before each connection, and after a request
   * that found no server, so that a client can move between servers.
   */
  readonly url: string | (() => string)
  /** `token` (the default) keeps the refresh token in the storage; `cookie` leaves it to the browser, out of reach of scripts. */
  readonly transport?: 'token' | 'cookie'
  /** Where the login and unsent messages outlive the page: `browserStorage()`. By default they are kept in memory. */
  readonly storage?: ClientStorage
  /** How long a request may take, waiting for a connection included; 15 s by default. */
  readonly deadlineMs?: number
  /** How many messages a room keeps in memory while new ones come; 2,000 by default. */
  readonly messagesKept?: number
  /** Further options for socket.io-client, such as `transports` or `extraHeaders`. */
  readonly socketOptions?: Record<string, unknown>

  /** Sees every request and everything pushed. For tests. */
  readonly observe?: Observe
  readonly fetch?: Fetch
  readonly socket?: SocketFactory
  readonly environment?: Partial<Environment>
}
