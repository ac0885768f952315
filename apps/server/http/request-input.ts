import type { FastifyRequest } from 'fastify'
import type { Refusal } from '../../../core/domain/refusal.js'
import { fail, ok, type Result } from '../../../core/domain/result.js'
import type { HttpRoute, Operation } from '../contract/operation.js'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refuse = (path: string, message: string): Result<object, Refusal> =>
  fail({
    code: 'VALIDATION_FAILED',
    message: 'The request does not match its schema.',
    details: [{ path: path.slice(0, 100).toWellFormed(), message }],
  })

/**
 * The input of an operation from the parts of an HTTP request: the path, and either the query (GET, DELETE) or the body. The
 * part that does not belong to the method must be empty, and none may name a field that another has.
 */
export function inputOf(
  operation: Operation,
  route: HttpRoute,
  request: FastifyRequest,
): Result<object, Refusal> {
  const query = request.query as Fields
  const body = request.body ?? {}
  if (!isFields(body)) return refuse('', 'must be object')
  const [named, unused] = route.method === 'GET' || route.method === 'DELETE' ? [query, body] : [body, query]
  const stray = Object.keys(unused)[0]
  if (stray !== undefined) return refuse(stray, 'is not a field of this request')

  const path = pathFields(route, request.params as Readonly<Record<string, string>>)
  const doubled = Object.keys(named).find((name) => Object.hasOwn(path, name))
  if (doubled !== undefined) return refuse(doubled, 'is given by the path')
  const fields = named === query ? numbersOf(operation, query) : named
  return ok({ ...fields, ...path })
}

function pathFields(route: HttpRoute, params: Readonly<Record<string, string>>): Fields {
  const { id, ...others } = params
  return id === undefined || route.id === undefined ? params : { ...others, [route.id]: id }
}

/** A query holds texts only; those for whole numbers become numbers, and anything else is left for the schema to refuse. */
function numbersOf(operation: Operation, query: Fields): Fields {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const schema = Object.hasOwn(operation.input.properties, name)
        ? operation.input.properties[name]
        : undefined
      const isNumber = schema !== undefined && 'type' in schema && schema.type === 'integer'
      return [name, isNumber && typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value]
    }),
  )
}
