import type { ParleyError } from './errors.js'

type At = {
  /** Of the client's clock. */
  readonly atMs: number
  /** The server that it went to or came from. */
  readonly url: string
  /** Null for HTTP. */
  readonly socketId: string | null
}

/**
 * What a tester of the client sees: each request as it goes out, attempt by attempt, and how it ended; everything pushed, as it
 * came in, before the client makes anything of it; and each change of the connection. Passwords and tokens are left out:
 * requests under `/auth` and `auth:renew` have no payload and no answer.
 */
export type Observation =
  | (At & {
      readonly kind: 'request'
      readonly id: number
      readonly via: 'socket' | 'http'
      /** The client event, or method and path: `message:send`, `GET /rooms`. */
      readonly name: string
      readonly payload: unknown
    })
  | (At & {
      readonly kind: 'answer'
      /** Of its request. */
      readonly id: number
      readonly via: 'socket' | 'http'
      readonly name: string
      readonly startedMs: number
      readonly outcome:
        | { readonly ok: true; readonly data: unknown }
        | { readonly ok: false; readonly error: ParleyError }
    })
  | (At & { readonly kind: 'push'; readonly name: string; readonly payload: unknown })
  | (At & {
      readonly kind: 'connection'
      readonly state: 'open' | 'closed' | 'refused'
      readonly reason: string
    })

/** Called in the order in which things happen; what it throws is ignored. */
export type Observe = (observation: Observation) => void
