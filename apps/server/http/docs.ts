import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * The published documents, and a page that shows them. They are an app of their own, loaded when somebody first asks: what
 * makes them takes longer to load than the rest of the HTTP side, and a start would wait for it.
 */
export function serveDocs(app: FastifyInstance): void {
  let loaded: Promise<FastifyInstance> | null = null
  const pages = async (): Promise<FastifyInstance> => {
    const { buildDocsPages } = await import('./docs-pages.js')
    return buildDocsPages(app.log)
  }
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    loaded ??= pages()
    const { routing } = await loaded
    reply.hijack()
    routing(request.raw, reply.raw)
  }
  app.get('/docs', answer)
  app.get('/docs/*', answer)
}
