import cors from '@fastify/cors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Actor } from '../../../core/domain/account.js'
import { type Refusal, unauthenticated } from '../../../core/domain/refusal.js'
import type { Parley } from '../../../core/parley.js'
import type { ServerConfig } from '../config/read-config.js'
import { wireRefusal } from '../contract/errors.js'
import type { Context, HttpRoute, Operation } from '../contract/operation.js'
import { OPERATIONS } from '../contract/operations/index.js'
import type { Overview } from '../contract/overview.js'
import type { Metrics } from '../ops/metrics.js'
import { bearerOf, sameToken } from './bearer.js'
import type { Origins } from './origins.js'
import { sendProblem } from './problem.js'
import type { Proxies } from './proxies.js'
import { refreshCookieOf } from './refresh-cookie.js'
import { inputOf } from './request-input.js'

export type ApiParts = {
  readonly parley: Parley
  readonly config: ServerConfig
  readonly logger: Logger
  readonly metrics: Metrics
  readonly origins: Origins
  readonly proxies: Proxies
  readonly overview: () => Promise<Overview>
}

const JSON_UTF8 = /^application\/json(; ?charset="?utf-8"?)?$/i

/** One route for each operation that has one. */
export async function serveApi(app: FastifyInstance, parts: ApiParts): Promise<void> {
  const { config, origins } = parts
  await app.register(cors, {
    origin: (origin, done) => done(null, origin !== undefined && origins.isAllowed(origin)),
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'X-Parley'],
    exposedHeaders: ['Retry-After'],
    maxAge: 600,
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  acceptJsonOnly(app)
  app.decorateRequest('actor', null)
  for (const operation of OPERATIONS) {
    const isOff = operation.auth === 'admin' && config.adminToken === null
    if (operation.http !== undefined && !isOff) serve(app, operation, operation.http, parts)
  }
}

/** A form of another site can send any type but this one. */
function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (!JSON_UTF8.test(request.headers['content-type'] ?? '')) {
      done(Object.assign(new Error('not JSON in UTF-8'), { statusCode: 415 }))
      return
    }
    if (body === '') done(null, undefined)
    else parse(request, String(body), done)
  })
}

type Caller = FastifyRequest & { actor: Actor | null }

function serve(app: FastifyInstance, operation: Operation, route: HttpRoute, parts: ApiParts): void {
  app.route({
    method: route.method,
    url: route.path,
    // Before the body is read: who may not ask cannot make the server read.
    onRequest: async (request, reply) => {
      const refusal = await admit(operation, request as Caller, parts)
      if (refusal === null) return
      count(parts, operation, refusal.code)
      await sendProblem(reply, wireRefusal(refusal))
    },
    handler: async (request, reply) => answer(operation, route, request as Caller, reply, parts),
  })
}

async function admit(operation: Operation, request: Caller, parts: ApiParts): Promise<Refusal | null> {
  const { parley, config, proxies } = parts
  const admission = await parley.admitCaller.execute({ ip: proxies.ipOf(request.raw), to: 'http' })
  if (!admission.ok) return admission.refusal
  const token = bearerOf(request.headers)
  if (operation.auth === 'admin') {
    const isAdministrator =
      token !== null && config.adminToken !== null && sameToken(token, config.adminToken)
    return isAdministrator ? null : unauthenticated().refusal
  }
  const authenticated = token === null ? null : await parley.authenticate.execute(token)
  request.actor = authenticated?.ok ? authenticated.value.actor : null
  return operation.auth === 'user' && request.actor === null ? unauthenticated().refusal : null
}

async function answer(
  operation: Operation,
  route: HttpRoute,
  request: Caller,
  reply: FastifyReply,
  parts: ApiParts,
): Promise<FastifyReply> {
  const started = performance.now()
  const gathered = inputOf(operation, route, request)
  const input = gathered.ok ? operation.validate(gathered.value) : gathered
  const result = input.ok ? await operation.run(contextOf(request, reply, parts), input.value) : input
  count(parts, operation, result.ok ? 'ok' : result.refusal.code)
  if (!result.ok) return sendProblem(reply, wireRefusal(result.refusal))
  if (operation.id === 'sendMessage') parts.metrics.sendToAck.observe((performance.now() - started) / 1_000)
  reply.code(route.status)
  return route.status === 204 ? reply.send() : reply.send(result.value)
}

function contextOf(request: Caller, reply: FastifyReply, parts: ApiParts): Context {
  const { parley, config, origins, proxies, overview } = parts
  const isHttps = config.publicUrl?.startsWith('https:') === true || proxies.isHttps(request.raw)
  return {
    parley,
    ip: proxies.ipOf(request.raw),
    userAgent: request.headers['user-agent'] ?? null,
    actor: request.actor,
    refreshCookie: refreshCookieOf(request, reply, { origins, isHttps }),
    connection: null,
    overview,
  }
}

function count(parts: ApiParts, operation: Operation, outcome: string): void {
  parts.metrics.countRequest(operation.id, 'http', outcome)
}
