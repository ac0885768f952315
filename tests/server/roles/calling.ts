import { io, type Socket } from 'socket.io-client'
import type { HttpRoute, Operation } from '../../../apps/server/contract/operation.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { type Answer, call, type Json, type Person, request } from '../../support/person.js'

/** One way in which an operation can be called. */
export type Binding = {
  readonly operation: Operation
  readonly transport: 'http' | 'socket'
  /** For the names of tests: `POST /rooms` or `room:join`. */
  readonly label: string
}

export const BINDINGS: readonly Binding[] = OPERATIONS.flatMap((operation): Binding[] => {
  const { http, event } = operation
  return [
    ...(http === undefined
      ? []
      : [{ operation, transport: 'http', label: `${http.method} ${http.path}` } as const]),
    ...(event === undefined ? [] : [{ operation, transport: 'socket', label: event } as const]),
  ]
})

export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'VALIDATION_FAILED'
  | 'CONFLICT'
  | 'TOO_LARGE'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'INTERNAL'
export type Outcome = 'ok' | ErrorCode

/** The statuses of the contract. */
const STATUS: Record<ErrorCode, number> = {
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

/** `answer` is everything that the caller can see of it. */
export type Called = { readonly outcome: string; readonly answer: unknown; readonly data: unknown }

/** The socket of a person, one each, connected when it is first needed. */
const sockets = new WeakMap<Person, Promise<Socket>>()

export function socketOf(person: Person, url = person.url): Promise<Socket> {
  const known = sockets.get(person)
  if (known !== undefined) return known
  const socket = person.connect(url)
  sockets.set(person, socket)
  return socket
}

/** Calls as `person`, or without any token. */
export async function callBinding(
  { operation, transport }: Binding,
  url: string,
  person: Person | null,
  input: Json,
): Promise<Called> {
  if (transport === 'http' && operation.http !== undefined)
    return fromHttp(operation.http, await callRoute(operation.http, url, input, person?.accessToken))
  if (person === null) return callWithoutToken(url)
  const ack = await call(await socketOf(person), operation.event ?? '', input)
  return ack.ok
    ? { outcome: 'ok', answer: ack, data: ack.data }
    : { outcome: ack.error.code, answer: ack, data: null }
}

/** Puts an input where the route takes it: fields of the path there, the others into the query or the body. */
export function callRoute(route: HttpRoute, url: string, input: Json, token?: string): Promise<Answer> {
  const rest = { ...input }
  const path = route.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const field = name === 'id' && route.id !== undefined ? route.id : name
    const value = rest[field]
    delete rest[field]
    return encodeURIComponent(String(value))
  })
  const inQuery = route.method === 'GET' || route.method === 'DELETE'
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const suffix = inQuery && query.size > 0 ? `?${query}` : ''
  return request(url, route.method, `/api/v1${path}${suffix}`, {
    ...(token === undefined ? {} : { token }),
    ...(inQuery ? {} : { body: rest }),
  })
}

function fromHttp(route: HttpRoute, { status, headers, body }: Answer): Called {
  const { date: _, ...seen } = Object.fromEntries(headers)
  const answer = { status, headers: seen, body }
  if (status < 300)
    return {
      outcome: status === route.status ? 'ok' : `status ${status}`,
      answer,
      data: status === 204 ? {} : body,
    }
  const code = String(body.code) as ErrorCode
  const isProblem = (headers.get('content-type') ?? '').startsWith('application/problem+json')
  const isRight = isProblem && STATUS[code] === status && body.status === status
  return { outcome: isRight ? code : `status ${status} with ${JSON.stringify(body)}`, answer, data: null }
}

/** A socket cannot call without a token: it is not even let in. */
async function callWithoutToken(url: string): Promise<Called> {
  const socket = io(url, { transports: ['websocket'], reconnection: false, forceNew: true })
  try {
    return await new Promise<Called>((resolve) => {
      socket.once('connect', () => resolve({ outcome: 'connected', answer: null, data: null }))
      socket.once('connect_error', (error: Error & { data?: { code?: string } }) =>
        resolve({ outcome: error.data?.code ?? error.message, answer: error.data, data: null }),
      )
    })
  } finally {
    socket.disconnect()
  }
}
