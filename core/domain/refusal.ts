import { type Fail, fail } from './result.js'

/** The refusals that a use case may return; `docs/contract.md` lists when each is given. */
export const REFUSAL_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'VALIDATION_FAILED',
  'CONFLICT',
  'RATE_LIMITED',
] as const

export type RefusalCode = (typeof REFUSAL_CODES)[number]

export type ValidationDetail = { readonly path: string; readonly message: string }

/** Plain data, because a thrown or returned `Error` reaches a socket ack as `{}`. */
export type Refusal =
  | {
      readonly code: Exclude<RefusalCode, 'VALIDATION_FAILED' | 'RATE_LIMITED'>
      readonly message: string
    }
  | {
      readonly code: 'VALIDATION_FAILED'
      readonly message: string
      readonly details: readonly ValidationDetail[]
    }
  | { readonly code: 'RATE_LIMITED'; readonly message: string; readonly retryAfterMs: number }

export const unauthenticated = (): Fail<Refusal> =>
  fail({ code: 'UNAUTHENTICATED', message: 'This needs a valid access token.' })

export const forbidden = (message = 'Your role in this room does not allow this.'): Fail<Refusal> =>
  fail({ code: 'FORBIDDEN', message })

/** One text for "does not exist" and "you may not know that it exists". */
export const notFound = (): Fail<Refusal> =>
  fail({ code: 'NOT_FOUND', message: 'There is no such thing, or it is not visible to you.' })

export const conflict = (message: string): Fail<Refusal> => fail({ code: 'CONFLICT', message })

export const invalid = (path: string, message: string): Fail<Refusal> =>
  fail({
    code: 'VALIDATION_FAILED',
    message: 'The request does not match its schema.',
    details: [{ path, message }],
  })

export const rateLimited = (retryAfterMs: number): Fail<Refusal> =>
  fail({ code: 'RATE_LIMITED', message: 'Too many requests; try again later.', retryAfterMs })
