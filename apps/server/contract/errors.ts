import Type, { type Static } from 'typebox'
import { REFUSAL_CODES, type Refusal, type RefusalCode } from '../../../core/domain/refusal.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { listOf, optional, shape } from './fields.js'

/** Codes that no use case returns: the transport refuses, the store is away, or there is a bug. */
export type ErrorCode = RefusalCode | 'TOO_LARGE' | 'UNAVAILABLE' | 'INTERNAL'

/** A new code does not compile until it has a status. */
export const HTTP_STATUS: Record<ErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  VALIDATION_FAILED: 400,
  CONFLICT: 409,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
}

export const ERROR_CODES = [...REFUSAL_CODES, 'TOO_LARGE', 'UNAVAILABLE', 'INTERNAL'] as const

export const WireError = shape({
  code: Type.Enum([...ERROR_CODES]),
  message: Type.String(),
  details: optional(listOf(shape({ path: Type.String(), message: Type.String() }))),
  retryAfterMs: optional(Type.Integer({ minimum: 0 })),
})
export type WireError = Static<typeof WireError>

export const wireRefusal = (refusal: Refusal): WireError => refusal

const unavailable = (retryAfterMs: number): WireError => ({
  code: 'UNAVAILABLE',
  message: 'This cannot be done now; try again later.',
  retryAfterMs,
})

/** Nothing of the error itself is told: it may hold SQL, and its stack is for the log. */
const INTERNAL: WireError = { code: 'INTERNAL', message: 'Something went wrong on the server.' }

export const wireThrown = (error: unknown): WireError =>
  error instanceof PortUnavailable ? unavailable(error.retryAfterMs) : INTERNAL

export const tooLarge = (): WireError => ({
  code: 'TOO_LARGE',
  message: 'The request is larger than 64 KiB.',
})
