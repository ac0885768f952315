import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound } from '../../../core/domain/refusal.js'
import { tooLarge, type WireError, wireThrown } from '../contract/errors.js'
import { sendProblem } from './problem.js'

const malformed = (message: string): WireError => ({ code: 'VALIDATION_FAILED', message, details: [] })

/** What Fastify itself refuses before a handler runs; null for anything else. */
function refusedByFastify(error: FastifyError): { error: WireError; status: number } | null {
  const status = error.statusCode ?? 500
  if (status === 413) return { error: tooLarge(), status }
  if (status === 415) return { error: malformed('The body must be application/json in UTF-8.'), status }
  if (status === 414 || status === 431) return { error: tooLarge(), status: 413 }
  if (status >= 400 && status < 500) return { error: malformed('The request is malformed.'), status: 400 }
  return null
}

function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const refused = refusedByFastify(error)
  if (refused !== null) {
    // Fastify, and Node where the client wishes it, would close under a client that is still writing, and the reset would take
    // the answer with it. What is left of the body is read and thrown away, for as long as a request may take.
    if (refused.status === 413) {
      reply.removeHeader('connection')
      reply.raw.shouldKeepAlive = true
    }
    sendProblem(reply, refused.error, refused.status)
    return
  }
  const told = wireThrown(error)
  // The route, not the path: paths hold invitation codes, queries hold what was searched for.
  request.log[told.code === 'INTERNAL' ? 'error' : 'warn'](
    { err: error, route: request.routeOptions.url },
    told.code,
  )
  sendProblem(reply, told)
}

/** Every error of every route in one form, without anything of its cause. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(answerError)
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, notFound().refusal))
}

/** A path that cannot be decoded never reaches a route. */
export function answerBadUrl(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, malformed('The path is malformed.'))
}
