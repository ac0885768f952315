import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { type CompositionOptions, compose } from './composition/index.js'
import type { Storage } from './composition/prepare-storage.js'
import type { ServerConfig } from './config/read-config.js'
import { buildHttp } from './http/build-http.js'
import { Metrics } from './ops/metrics.js'
import { OverviewOfInstances } from './ops/overview.js'
import { showPorts } from './ops/port-metrics.js'
import { Readiness } from './ops/readiness.js'
import { Retention } from './ops/retention.js'
import { attachRealtime } from './realtime/attach-realtime.js'
import { SocketNotices } from './realtime/socket-notices.js'

/** More than the deadline of any call to the database. */
const HTTP_PATIENCE_MS = 8_000
/**
 * Connections that may wait to be accepted: all clients of an instance come back at once, and whom the kernel turns away tries
 * again a second later. The kernel's own bound (somaxconn) holds as well.
 */
const BACKLOG = 4_096

export type RunningServer = {
  readonly url: string
  /** Accepts nothing more, tells the clients, finishes what is under way, and gives back what it holds. */
  stop(): Promise<void>
}

/** Brings everything up in order, on storage that is ready: use cases, HTTP, sockets. Stopping it releases the storage as well. */
export async function serve(config: ServerConfig, logger: Logger, storage: Storage): Promise<RunningServer> {
  const metrics = new Metrics()
  const notices = new SocketNotices()
  const { parley, ports, database, reports, isMigrated, close } = await compose({
    authSecret: storage.authSecret,
    notices,
    database: storage.database,
    shared: config.databaseUrl !== null,
    redis: redisOf(config, logger),
    limitFactor: config.limitFactor,
    sessionMaxMs: config.sessionMaxMs,
    lifetimes: config.lifetimes,
    cacheBounds: config.cacheBounds,
    onError: (error) => logger.warn({ err: error }, 'something in the background failed'),
  })
  const readiness = new Readiness(
    {
      postgres: async () => ((await database.health()).ok ? 'ok' : 'unavailable'),
      migrations: async () => ((await isMigrated()) ? 'ok' : 'unavailable'),
    },
    reports.failover,
  )
  showPorts(metrics.registry, reports)
  await parley.start()
  const overview = () => instances.gather()
  const http = await buildHttp({ parley, config, logger, metrics, readiness, overview })
  const realtime = attachRealtime(http.server, { parley, config, logger, metrics, bus: ports.bus, notices })
  const instances = new OverviewOfInstances({
    metrics,
    id: realtime.id,
    peers: realtime.io,
    sockets: () => realtime.io.of('/').sockets.size,
    roomsTracked: () => parley.roomFeed.trackedRooms().length,
    gapsFound: () => parley.roomFeed.gapsFound(),
    gapsRepaired: () => parley.roomFeed.gapsRepaired(),
    reports,
  })
  await http.listen({ host: config.host, port: config.port, backlog: BACKLOG })
  const retention = new Retention(
    () => parley.forgetEndedLogins.execute(),
    (error) => logger.warn({ err: error }, 'what is no longer kept could not be deleted'),
  )
  return {
    url: urlOf(config.host, http.server.address() as AddressInfo),
    async stop() {
      readiness.drain()
      await realtime.drain()
      await closeHttp(http)
      parley.stop()
      await retention.stop()
      await close()
      await storage.release()
    },
  }
}

function redisOf(
  { redisUrls: urls, redisSentinels: sentinels, redisPrefix: prefix }: ServerConfig,
  logger: Logger,
): CompositionOptions['redis'] {
  if (urls === null) return null
  return {
    urls,
    sentinels,
    prefix,
    onChange(state, error) {
      if (state === 'down') logger.warn({ err: error }, 'Redis is away: what is behind it is used')
      if (state === 'up') logger.info('Redis is used')
    },
  }
}

/** Answers what is under way. Node itself stops looking for requests that never end once a server closes. */
async function closeHttp(http: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => http.server.closeAllConnections(), HTTP_PATIENCE_MS)
  await http.close()
  clearTimeout(cut)
}

function urlOf(host: string, { port }: AddressInfo): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
