import type { TSchema } from 'typebox'
import Type from 'typebox'
import { HTTP_STATUS, WireError } from './errors.js'
import { optional, shape } from './fields.js'
import type { HttpRoute, Operation } from './operation.js'
import { OPERATIONS } from './operations/index.js'

type Json = { readonly [name: string]: unknown }

/** RFC 9457, with the members of the contract. */
const Problem = shape({
  type: Type.Literal('about:blank'),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: WireError.properties.code,
  details: optional(WireError.properties.details),
  retryAfterMs: optional(WireError.properties.retryAfterMs),
})

/** The OpenAPI document of this version, made of the schemas that validate the traffic. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of OPERATIONS) {
    if (operation.http === undefined) continue
    const path = `/api/v1${operation.http.path.replaceAll(/:(\w+)/g, '{$1}')}`
    paths[path] = {
      ...paths[path],
      [operation.http.method.toLowerCase()]: describe(operation, operation.http),
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Parley', version, license: { name: 'MIT', identifier: 'MIT' } },
    paths,
    components: {
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer' },
        administratorToken: { type: 'http', scheme: 'bearer' },
      },
      responses: {
        Problem: {
          description: `An error; \`code\` is one of ${Object.keys(HTTP_STATUS).join(', ')}.`,
          content: { 'application/problem+json': { schema: Problem } },
        },
      },
    },
  }
}

const SECURITY: Record<Operation['auth'], readonly Json[]> = {
  user: [{ accessToken: [] }],
  admin: [{ administratorToken: [] }],
  none: [],
}

function describe(operation: Operation, route: HttpRoute): Json {
  const { properties } = operation.input
  // Left out where no field is required, whatever the type says.
  const required: readonly string[] = (operation.input.required as readonly string[] | undefined) ?? []
  const inPath = new Map(
    Array.from(route.path.matchAll(/:(\w+)/g), ([, name = '']) => [
      name === 'id' ? (route.id ?? name) : name,
      name,
    ]),
  )
  const parameters = Array.from(inPath, ([field, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[field],
  }))
  const rest = Object.entries(properties).filter(([field]) => !inPath.has(field))
  const isQuery = route.method === 'GET' || route.method === 'DELETE'
  const inQuery = rest.map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
  return {
    operationId: operation.id,
    summary: operation.summary,
    security: SECURITY[operation.auth],
    parameters: isQuery ? [...parameters, ...inQuery] : parameters,
    ...(isQuery || rest.length === 0 ? {} : { requestBody: body(rest, required) }),
    responses: {
      [route.status]: success(route, operation.output),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function body(fields: readonly [string, TSchema][], required: readonly string[]): Json {
  const names = fields.map(([name]) => name).filter((name) => required.includes(name))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(fields),
    ...(names.length === 0 ? {} : { required: names }),
    additionalProperties: false,
  }
  return { required: names.length > 0, content: { 'application/json': { schema } } }
}

const success = (route: HttpRoute, output: TSchema): Json =>
  route.status === 204
    ? { description: 'Done.' }
    : { description: 'The answer.', content: { 'application/json': { schema: output } } }
