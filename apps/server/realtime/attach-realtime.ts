import type { Server as HttpServer } from 'node:http'
import type { Logger } from 'pino'
import { Server } from 'socket.io'
import type { Parley } from '../../../core/parley.js'
import type { BusPort } from '../../../core/ports/bus-port.js'
import type { ServerConfig } from '../config/read-config.js'
import { REQUEST_MAX_BYTES } from '../http/build-http.js'
import { Origins } from '../http/origins.js'
import { Proxies } from '../http/proxies.js'
import type { Metrics } from '../ops/metrics.js'
import { Attendance } from './attendance.js'
import { BusAdapter } from './bus-adapter.js'
import { boundClosing } from './closing.js'
import { Connections } from './connections.js'
import { guardEngine } from './engine-guard.js'
import { jsonOnlyParser } from './json-parser.js'
import { SIGN_IN_TIMEOUT_MS } from './limits.js'
import { LocalRooms } from './local-rooms.js'
import { Reception } from './reception.js'
import { deliverRoomEvents } from './room-delivery.js'
import { SlowReaders } from './slow-readers.js'
import type { SocketNotices } from './socket-notices.js'
import { Standings } from './standings.js'
import { Standstill } from './standstill.js'
import { useTextWebSockets } from './text-web-socket.js'
import type { RealtimeServer } from './wire.js'

export type RealtimeParts = {
  readonly parley: Parley
  readonly bus: BusPort
  /** The same that the use cases were given. */
  readonly notices: SocketNotices
  readonly config: ServerConfig
  readonly logger: Logger
  readonly metrics: Metrics
}

export type Realtime = {
  /** By which the other processes know this one; new with each start. */
  readonly id: string
  readonly io: RealtimeServer
  /** Tells all clients to come back, to another instance or a little later, after what is under way has been answered. */
  drain(): Promise<void>
}

const FLUSH_BUDGET_MS = 2_000

/** Adds the sockets to an HTTP server, which may already listen or not yet. */
export function attachRealtime(server: HttpServer, parts: RealtimeParts): Realtime {
  const { parley, notices, config, metrics } = parts
  const logger = parts.logger.child({ part: 'realtime' })
  const proxies = new Proxies(config.trustedProxies)
  const origins = new Origins(config, server)
  const standstill = new Standstill()
  const io = createServer(server, parts, { origins, standstill })
  const publicHttps = config.publicUrl?.startsWith('https:') === true
  guardEngine(io, { origins, proxies, limitFactor: config.limitFactor, publicHttps })
  boundClosing(io, server)
  useTextWebSockets(io)

  const connections = new Connections()
  const rooms = new LocalRooms(parley.roomFeed)
  const standings = new Standings({ io, parley })
  const attendance = new Attendance(parley, (error) =>
    logger.warn({ err: error }, 'presence could not be told'),
  )
  const slowReaders = new SlowReaders(connections.all, () => metrics.slowReaders.inc())
  const reception = new Reception({
    ...parts,
    logger,
    io,
    proxies,
    connections,
    rooms,
    standings,
    attendance,
  })

  notices.serve(io, standstill)
  notices.onNotice((notice) => {
    if (notice.type === 'receipt') standings.hasRead(notice.roomId, notice.userId)
  })
  deliverRoomEvents({ io, roomFeed: parley.roomFeed, connections, metrics })
  metrics.gauge('parley_sockets', 'Signed-in sockets of this process.', () => connections.size)
  metrics.gauge('parley_rooms_tracked', 'Rooms that this process follows.', () => rooms.size)
  parley.roomFeed.onHint((lagMs) => metrics.busLag.observe(Math.max(0, lagMs) / 1_000))
  metrics.total('parley_gaps_found_total', 'Times that a room was found to miss events.', () =>
    parley.roomFeed.gapsFound(),
  )
  metrics.total('parley_gaps_repaired_total', 'Events that no hint brought in time.', () =>
    parley.roomFeed.gapsRepaired(),
  )

  return {
    id: (io.of('/').adapter as BusAdapter).id,
    io,
    async drain() {
      await reception.drain()
      await flushed(io)
      slowReaders.close()
      standings.close()
      notices.close()
      await attendance.close()
      io.of('/').adapter.close()
      standstill.close()
      io.engine.close()
    },
  }
}

/** What was told last has been read, or nobody reads it any more. */
async function flushed(io: RealtimeServer): Promise<void> {
  const deadlineMs = performance.now() + FLUSH_BUDGET_MS
  while (io.engine.clientsCount > 0 && performance.now() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

function createServer(
  httpServer: HttpServer,
  { bus, notices, config, metrics }: RealtimeParts,
  { origins, standstill }: { readonly origins: Origins; readonly standstill: Standstill },
): RealtimeServer {
  class ProcessAdapter extends BusAdapter {
    constructor(namespace: unknown) {
      super(namespace, {
        bus,
        standstill,
        onSaid: (packet) => notices.hear(packet),
        onLag: (seconds) => metrics.busLag.observe(seconds),
        onFailure: () => metrics.busFailures.inc(),
        onPartial: () => metrics.busPartialAnswers.inc(),
      })
    }
  }
  return new Server(httpServer, {
    adapter: ProcessAdapter,
    parser: jsonOnlyParser(config.limitFactor),
    serveClient: false,
    connectTimeout: SIGN_IN_TIMEOUT_MS,
    maxHttpBufferSize: REQUEST_MAX_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    cors: {
      origin: (origin, done) => done(null, origin !== undefined && origins.isAllowed(origin)),
      credentials: true,
    },
  })
}
