import type { WireError, WireErrorCode } from './wire.js'

/**
 * A refusal of the server, or the client's own word for having no answer: `TIMEOUT` (the deadline passed), `DISCONNECTED` (the
 * connection went, or the network failed), `SIGNED_OUT` (nobody is signed in) and `CLOSED` (the client was closed).
 */
export type ParleyErrorCode = WireErrorCode | 'TIMEOUT' | 'DISCONNECTED' | 'SIGNED_OUT' | 'CLOSED'

type Details = {
  readonly details?: WireError['details']
  readonly retryAfterMs?: number | undefined
  readonly uncertain?: boolean
  readonly cause?: unknown
}

/** The one error that the client throws. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError'
  /** What is wrong with which field, for `VALIDATION_FAILED`. */
  readonly details: WireError['details']
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined
  /** The request may have taken effect all the same: no answer to it came. */
  readonly uncertain: boolean

  constructor(
    readonly code: ParleyErrorCode,
    message: string,
    { details, retryAfterMs, uncertain = false, cause }: Details = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.details = details
    this.retryAfterMs = retryAfterMs
    this.uncertain = uncertain
  }

  /** The same request may succeed later. */
  get isTransient(): boolean {
    return TRANSIENT.has(this.code)
  }
}

const TRANSIENT: ReadonlySet<ParleyErrorCode> = new Set([
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
  'TIMEOUT',
  'DISCONNECTED',
])

/** `UNAVAILABLE` and `INTERNAL` leave open whether anything was stored. */
export const refused = ({ code, message, details, retryAfterMs }: WireError): ParleyError =>
  new ParleyError(code, message, {
    ...(details === undefined ? {} : { details }),
    retryAfterMs,
    uncertain: code === 'UNAVAILABLE' || code === 'INTERNAL',
  })

/** Whatever was thrown, as a `ParleyError`. */
export const toParleyError = (error: unknown): ParleyError =>
  error instanceof ParleyError
    ? error
    : new ParleyError('DISCONNECTED', error instanceof Error ? error.message : String(error), {
        uncertain: true,
        cause: error,
      })
