import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { Logger } from 'pino'
import type { Parley } from '../../../core/parley.js'
import type { ServerConfig } from '../config/read-config.js'
import type { Overview } from '../contract/overview.js'
import type { Metrics } from '../ops/metrics.js'
import type { Readiness } from '../ops/readiness.js'
import { serveApi } from './api.js'
import { serveDocs } from './docs.js'
import { answerBadUrl, answerErrors } from './errors.js'
import { serveLanding } from './landing.js'
import { Origins } from './origins.js'
import { serveProbes } from './probes.js'
import { Proxies } from './proxies.js'

export type HttpParts = {
  readonly parley: Parley
  readonly config: ServerConfig
  readonly logger: Logger
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly overview: () => Promise<Overview>
}

/** A whole request, its head aside. */
export const REQUEST_MAX_BYTES = 65_536
/** For the head, and for the whole request: a client that sends byte after byte is cut off. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 20_000
/** Percent-encoded, an emoji of several parts is long. */
const PATH_PARAMETER_MAX = 300

const refuseSchema = () => {
  throw new Error('operations check their input themselves: a route has no schema')
}
/** Given none, Fastify loads a validator and a serializer of its own, for schemas that no route has. */
const NO_SCHEMAS = { buildValidator: refuseSchema, buildSerializer: refuseSchema }

/** The HTTP side of the server, not yet listening. Its `server` is what `attachRealtime` takes. */
export async function buildHttp(parts: HttpParts): Promise<FastifyInstance> {
  const { config, logger, metrics, readiness } = parts
  const app = fastify({
    loggerInstance: logger.child({ part: 'http' }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: REQUEST_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PATH_PARAMETER_MAX },
    frameworkErrors: answerBadUrl,
    schemaController: { compilersFactory: NO_SCHEMAS },
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 2_000 },
  })
  const proxies = new Proxies(config.trustedProxies)
  const origins = new Origins(config, app.server)
  answerErrors(app)
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY },
    // Other hosts of the domain are not this server's to decide about.
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
    frameguard: { action: 'deny' },
  })
  await app.register(cookie)
  await app.register((api) => serveApi(api, { ...parts, origins, proxies }), { prefix: '/api/v1' })
  serveDocs(app)
  serveProbes(app, { readiness, metrics, metricsToken: config.metricsToken, proxies })
  serveLanding(app)
  return app
}

const CONTENT_SECURITY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
}
