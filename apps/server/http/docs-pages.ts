import swagger, { type StaticDocumentSpec } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import { asyncApiDocument } from '../contract/asyncapi.js'
import { openApiDocument } from '../contract/openapi.js'
import { answerBadUrl, answerErrors } from './errors.js'

/** Version of the contract that the documents describe. */
const VERSION = '1'

/** Of the page; its own default lets other sites in and moves plain HTTP to HTTPS, which may not be there. */
const PAGE_SECURITY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The documents of every operation, and a page that shows the first of them; ready to route requests, listening nowhere. */
export async function buildDocsPages(logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: answerBadUrl,
  })
  answerErrors(app)
  const openApi = openApiDocument(VERSION)
  const asyncApi = asyncApiDocument(VERSION)
  await app.register(swagger, {
    mode: 'static',
    specification: { document: openApi as unknown as StaticDocumentSpec['document'] },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: PAGE_SECURITY,
    uiConfig: { supportedSubmitMethods: [], validatorUrl: null },
  })
  app.get('/docs/openapi.json', async () => openApi)
  app.get('/docs/asyncapi.json', async () => asyncApi)
  await app.ready()
  return app
}
