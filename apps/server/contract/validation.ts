import type { TObject } from 'typebox'
import { Compile } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import type { Refusal, ValidationDetail } from '../../../core/domain/refusal.js'
import { fail, ok, type Result } from '../../../core/domain/result.js'

export type Validate = (value: unknown) => Result<object, Refusal>

/** As many mistakes as are told; names of unknown fields come from the client and are cut. */
const DETAILS_MAX = 10
const PATH_MAX = 100

/** A check of whole requests, the same for HTTP and sockets, that never changes what it checks. */
export function validatorOf(schema: TObject): Validate {
  const validator = Compile(schema)
  return (value) => {
    if (!validator.Check(value)) return refusal(validator.Errors(value).flatMap(toDetails))
    const path = findUnstorable(value, '')
    if (path !== null) return refusal([{ path, message: 'must not contain NUL or lone surrogates' }])
    return ok(value as object)
  }
}

const refusal = (details: readonly ValidationDetail[]): Result<object, Refusal> =>
  fail({
    code: 'VALIDATION_FAILED',
    message: 'The request does not match its schema.',
    details: details.slice(0, DETAILS_MAX).map(({ path, message }) => ({
      path: path.slice(0, PATH_MAX).toWellFormed(),
      message,
    })),
  })

function toDetails(error: TLocalizedValidationError): ValidationDetail[] {
  const at = error.instancePath.slice(1).replaceAll('/', '.')
  const within = (name: string) => (at === '' ? name : `${at}.${name}`)
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => ({ path: within(name), message: 'is required' }))
    case 'additionalProperties':
      return error.params.additionalProperties
        .slice(0, DETAILS_MAX)
        .map((name) => ({ path: within(name), message: 'is not a field of this request' }))
    // Says again what `additionalProperties` has said.
    case 'boolean':
      return []
    default:
      return [{ path: at, message: error.message }]
  }
}

/** Postgres stores neither NUL nor half a surrogate pair. What is walked has matched its schema, so it is no deeper than that. */
function findUnstorable(value: unknown, path: string): string | null {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? path : null
  if (typeof value !== 'object' || value === null) return null
  for (const [name, inner] of Object.entries(value)) {
    const found = findUnstorable(inner, path === '' ? name : `${path}.${name}`)
    if (found !== null) return found
  }
  return null
}
