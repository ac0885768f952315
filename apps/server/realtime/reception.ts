import type { Logger } from 'pino'
import type { UserId } from '../../../core/domain/ids.js'
import { type Refusal, rateLimited } from '../../../core/domain/refusal.js'
import type { Parley } from '../../../core/parley.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import type { Authenticated } from '../../../core/use-cases/accounts/authenticate.js'
import type { ServerConfig } from '../config/read-config.js'
import { type WireError, wireRefusal, wireThrown } from '../contract/errors.js'
import type { Proxies } from '../http/proxies.js'
import type { Metrics } from '../ops/metrics.js'
import type { Attendance } from './attendance.js'
import type { Connections } from './connections.js'
import { EventGateway, isOperation } from './event-gateway.js'
import { SOCKETS_PER_USER } from './limits.js'
import type { LocalRooms } from './local-rooms.js'
import { takeDirectly } from './short-way.js'
import { SocketConnection } from './socket-connection.js'
import type { Standings } from './standings.js'
import { type RealtimeServer, type RealtimeSocket, userChannel } from './wire.js'

type Parts = {
  readonly parley: Parley
  readonly config: ServerConfig
  readonly logger: Logger
  readonly metrics: Metrics
  readonly io: RealtimeServer
  readonly proxies: Proxies
  readonly connections: Connections
  readonly rooms: LocalRooms
  readonly standings: Standings
  readonly attendance: Attendance
}

/** All clients at once would be a storm for whoever takes them over. */
const SPREAD_MS = { min: 250, max: 5_000 }
const DRAIN_BUDGET_MS = 10_000

/** Lets sockets in, keeps them for as long as their logins last, and sees them out. */
export class Reception {
  /** Sockets on their way from the door, which hold their places already. */
  private readonly admitted = new Map<RealtimeSocket, Authenticated>()
  private readonly gateways = new Set<EventGateway>()
  private draining = false

  constructor(private readonly parts: Parts) {
    const { io, parley, connections } = parts
    io.use((socket, next) => void this.admit(socket).then((error) => next(connectError(error))))
    io.on('connection', (socket) => this.welcome(socket))
    parley.loginFeed.onEnded(({ userId, loginId, reason }) => {
      for (const connection of [...connections.of(userId)])
        if (connection.actor.loginId === loginId) connection.end({ reason })
    })
  }

  /** Nothing new is taken; what is under way is answered, then everyone is sent away. */
  async drain(): Promise<void> {
    this.draining = true
    const deadlineMs = performance.now() + DRAIN_BUDGET_MS
    while ([...this.gateways].some(({ busy }) => busy) && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
    for (const connection of this.parts.connections.all)
      connection.end({ reason: 'draining', retryAfterMs: spread() })
  }

  /** Null lets the socket in. Whatever is wrong with a token, the answer is the same. */
  private async admit(socket: RealtimeSocket): Promise<WireError | null> {
    const { parley, proxies, logger } = this.parts
    try {
      if (this.draining) throw leaving()
      const admission = await parley.admitCaller.execute({ ip: proxies.ipOf(socket.request), to: 'connect' })
      if (!admission.ok) return wireRefusal(admission.refusal)
      const { token } = socket.handshake.auth as { readonly token?: unknown }
      const result = await parley.authenticate.execute(typeof token === 'string' ? token : '')
      if (!result.ok) return wireRefusal(result.refusal)
      if (this.placesTaken(result.value.actor.userId) >= SOCKETS_PER_USER) return wireRefusal(tooMany())
      // The token is not kept where it could be logged or sent to other processes.
      socket.handshake.auth = {}
      this.admitted.set(socket, result.value)
      return null
    } catch (error) {
      const told = wireThrown(error)
      if (told.code === 'INTERNAL') logger.error({ err: error }, 'a socket could not be let in')
      return told
    }
  }

  private placesTaken(userId: UserId): number {
    let taken = this.parts.connections.of(userId).size
    for (const [socket, { actor }] of this.admitted) {
      // Socket.io brings in nobody whose connection has closed on the way.
      if (socket.conn.readyState !== 'open') this.admitted.delete(socket)
      else if (actor.userId === userId) taken += 1
    }
    return taken
  }

  private welcome(socket: RealtimeSocket): void {
    const { parley, connections, rooms, standings, attendance } = this.parts
    const authenticated = this.admitted.get(socket)
    if (authenticated === undefined) throw new Error('a socket came in past the door')
    this.admitted.delete(socket)
    const { actor, expiresAtMs } = authenticated
    const connection = new SocketConnection(socket, actor, expiresAtMs, rooms)
    const isFirst = connections.of(actor.userId).size === 0
    connections.add(connection)
    void socket.join(userChannel(actor.userId))
    const ready = attendance.arrive(connection)
    if (isFirst) void standings.arrive(actor)
    const gateway = this.openGateway(socket, connection, ready)
    socket.on('disconnect', () => {
      this.gateways.delete(gateway)
      connection.close()
      connections.remove(connection)
      if (connections.of(actor.userId).size === 0) standings.depart(actor.userId)
      const atOnce = this.draining || parley.loginFeed.hasEnded(actor.loginId)
      // After the arrival, so that it cannot be told last.
      void ready.then(() => attendance.depart(connection, atOnce))
    })
    this.reconsider(connection)
  }

  /** The login may have ended, or the server begun to leave, between the door and here. */
  private reconsider(connection: SocketConnection): void {
    if (this.parts.parley.loginFeed.hasEnded(connection.actor.loginId)) connection.end({ reason: 'ended' })
    else if (this.draining) connection.end({ reason: 'draining', retryAfterMs: spread() })
  }

  private openGateway(
    socket: RealtimeSocket,
    connection: SocketConnection,
    ready: Promise<void>,
  ): EventGateway {
    const { parley, metrics, logger, config, proxies } = this.parts
    const ip = proxies.ipOf(socket.request)
    const userAgent = socket.handshake.headers['user-agent'] ?? null
    const gateway = new EventGateway(
      connection,
      { ip, userAgent, ready },
      {
        parley,
        metrics,
        logger,
        limitFactor: config.limitFactor,
        drainingMs: () => (this.draining ? spread() : null),
      },
    )
    this.gateways.add(gateway)
    // Taken here and not passed on: no event of a client reaches the emitter, whatever its name.
    socket.use(([event, ...args]) => gateway.receive(event, args))
    takeDirectly(socket, { takes: isOperation, take: (event, args) => gateway.receive(event, args) })
    return gateway
  }
}

const spread = (): number => Math.round(SPREAD_MS.min + Math.random() * (SPREAD_MS.max - SPREAD_MS.min))

const leaving = (): PortUnavailable =>
  new PortUnavailable('Server', new Error('the server is leaving'), spread())

const tooMany = (): Refusal => rateLimited(30_000).refusal

/** What Socket.io sends as `connect_error`: the message, and the rest under `data`. */
function connectError(error: WireError | null): (Error & { data: WireError }) | undefined {
  return error === null ? undefined : Object.assign(new Error(error.message), { data: error })
}
