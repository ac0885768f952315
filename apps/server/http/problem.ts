import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { HTTP_STATUS, type WireError } from '../contract/errors.js'

/** Answers an error as `application/problem+json` (RFC 9457). */
export function sendProblem(
  reply: FastifyReply,
  error: WireError,
  status = HTTP_STATUS[error.code],
): FastifyReply {
  const { code, message, details, retryAfterMs } = error
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  // Also where no route says so: what is missing now may be there later.
  reply.header('cache-control', 'no-store')
  // Serialised here: Fastify's own serialiser knows no such media type.
  return reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: STATUS_CODES[status],
        status,
        detail: message,
        code,
        ...(details === undefined ? {} : { details }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
    )
}
