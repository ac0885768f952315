import swagger, { type StaticDocumentSpec } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { asyncApiDocument } from '../contract/asyncapi.js'
import { openApiDocument } from '../contract/openapi.js'

/** Version of the contract that the documents describe. */
const VERSION = '1'

/** The published documents, and a page that shows the first of them. */
export async function serveDocs(app: FastifyInstance): Promise<void> {
  const openApi = openApiDocument(VERSION)
  const asyncApi = asyncApiDocument(VERSION)
  await app.register(swagger, {
    mode: 'static',
    specification: { document: openApi as unknown as StaticDocumentSpec['document'] },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { tryItOutEnabled: false },
  })
  app.get('/docs/openapi.json', async () => openApi)
  app.get('/docs/asyncapi.json', async () => asyncApi)
}
