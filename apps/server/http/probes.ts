import type { FastifyInstance } from 'fastify'
import { unauthenticated } from '../../../core/domain/refusal.js'
import { wireRefusal } from '../contract/errors.js'
import type { Metrics } from '../ops/metrics.js'
import type { Readiness } from '../ops/readiness.js'
import { bearerOf, sameToken } from './bearer.js'
import { sendProblem } from './problem.js'
import type { Proxies } from './proxies.js'

type Parts = {
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly metricsToken: string | null
  readonly proxies: Proxies
}

/** For whoever runs the server: is it alive, can it work, how is it doing. */
export function serveProbes(
  app: FastifyInstance,
  { readiness, metrics, metricsToken, proxies }: Parts,
): void {
  app.get('/livez', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  )

  app.get('/readyz', async (_request, reply) => {
    const report = await readiness.report()
    reply.code(report.status === 'unavailable' ? 503 : 200).header('cache-control', 'no-store')
    return reply.send(report)
  })

  app.get('/metrics', async (request, reply) => {
    const token = bearerOf(request.headers)
    const isAllowed =
      metricsToken === null ? proxies.isLocal(request.raw) : token !== null && sameToken(token, metricsToken)
    if (!isAllowed) return sendProblem(reply, wireRefusal(unauthenticated().refusal))
    reply.header('cache-control', 'no-store').header('content-type', metrics.registry.contentType)
    return reply.send(await metrics.registry.metrics())
  })
}
