import { createServer, type IncomingMessage, type Server } from 'node:http'
// In a service of your own: from 'parley'.
import type { Actor, Parley, Refusal } from '../../../core/index.js'

/** Whom the service has authenticated, by whatever means it has; here, the name in a header that its gateway sets. */
export type Directory = { userIdOf(name: string): string | undefined }

const STATUS: Record<Refusal['code'], number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  VALIDATION_FAILED: 400,
  CONFLICT: 409,
  RATE_LIMITED: 429,
}

/**
 * A help desk whose tickets have a conversation. It keeps its own users and its own HTTP; rooms, order, idempotency and access
 * are Parley's use cases, called in this process.
 *
 * `POST /tickets/:roomId/comments { id, text }` and `GET /tickets/:roomId/comments`, both with `x-desk-user`.
 */
export function createDesk(parley: Parley, directory: Directory): Server {
  return createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      const userId = directory.userIdOf(String(request.headers['x-desk-user'] ?? ''))
      const roomId = /^\/tickets\/([^/]+)\/comments$/.exec(request.url ?? '')?.[1]
      if (userId === undefined) return answer(401, { code: 'UNAUTHENTICATED' })
      if (roomId === undefined) return answer(404, { code: 'NOT_FOUND' })
      // The desk has authenticated its user itself, so there is no login of Parley's.
      const actor: Actor = { userId, loginId: null }
      const comment = request.method === 'POST' ? await commentIn(request) : null
      if (comment === 'malformed') return answer(400, { code: 'VALIDATION_FAILED' })
      const result =
        comment === null
          ? await parley.listMessages.execute(actor, { roomId })
          : await parley.sendMessage.execute(actor, { roomId, ...comment })
      return result.ok ? answer(200, result.value) : answer(STATUS[result.refusal.code], result.refusal)
    } catch (error) {
      return answer(503, { code: 'UNAVAILABLE', message: error instanceof Error ? error.message : 'unknown' })
    }
  })
}

type Comment = { readonly clientMessageId: string; readonly text: string }

async function commentIn(request: IncomingMessage): Promise<Comment | 'malformed'> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  try {
    const { id, text } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof id === 'string' && typeof text === 'string' ? { clientMessageId: id, text } : 'malformed'
  } catch {
    return 'malformed'
  }
}
