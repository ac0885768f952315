import type { TObject } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import { Compile, type Validator } from 'typebox/schema'
import type { Refusal, ValidationDetail } from '../../../core/domain/refusal.js'
import { fail, ok, type Result } from '../../../core/domain/result.js'

export type Validate = (value: unknown) => Result<object, Refusal>

/** As many mistakes as are told; names of unknown fields come from the client and are cut. */
const DETAILS_MAX = 10
const PATH_MAX = 100

/** A check of whole requests, the same for HTTP and sockets, that never changes what it checks. */
export function validatorOf(schema: TObject): Validate {
  // Compiled when it is first used: all of them at once would hold up the start.
  let compiled: Validator | null = null
  const names = new Set(Object.keys(schema.properties))
  return (value) => {
    // Before the schema, which would take its time over an object of thousands of fields.
    const isFields = typeof value === 'object' && value !== null && !Array.isArray(value)
    const unknown = isFields ? Object.keys(value).filter((name) => !names.has(name)) : []
    if (unknown.length > 0) return refusal(unknown.slice(0, DETAILS_MAX).map(unknownField))
    compiled ??= Compile(schema)
    if (!compiled.Check(value)) return refusal(compiled.Errors(value)[1].flatMap(toDetails))
    const path = isFlatAndStorable(value as object) ? null : findUnstorable(value)
    if (path !== null) return refusal([{ path, message: 'must not contain NUL or lone surrogates' }])
    return ok(value as object)
  }
}

const unknownField = (path: string): ValidationDetail => ({
  path,
  message: 'is not a field of this request',
})

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
      return error.params.additionalProperties.slice(0, DETAILS_MAX).map((name) => unknownField(within(name)))
    // Says again what `additionalProperties` has said.
    case 'boolean':
      return []
    default:
      return [{ path: at, message: error.message }]
  }
}

/** Postgres stores neither NUL nor half a surrogate pair. */
const isStorableText = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** What nearly all requests are, found without making the paths of their fields. */
const isFlatAndStorable = (fields: object): boolean =>
  Object.values(fields).every((field) =>
    typeof field === 'string' ? isStorableText(field) : typeof field !== 'object' || field === null,
  )

/** What is walked has matched its schema, so it is small. */
function findUnstorable(value: unknown): string | null {
  const rest: [path: string, value: unknown][] = [['', value]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [path, inner] = next
    if (typeof inner === 'string' && !isStorableText(inner)) return path
    if (typeof inner !== 'object' || inner === null) continue
    for (const [name, field] of Object.entries(inner))
      rest.push([path === '' ? name : `${path}.${name}`, field])
  }
  return null
}
