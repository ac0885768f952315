import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyServer } from 'httpxy'
import { Proxies } from '../../server/http/proxies.js'
import { type Backend, Backends } from './backends.js'
import { readSessionId, sessionUse } from './sessions.js'
import { answerUnavailable } from './unavailable.js'

/** As long as a server waits for the head of a request. */
const HEADERS_TIMEOUT_MS = 10_000
/** Longer than a server tells clients that they may keep a connection (72 s, of Fastify). */
const KEEP_ALIVE_MS = 75_000
const UPGRADE_TIMEOUT_MS = 10_000
/** All clients of an instance come back at once. */
const BACKLOG = 4_096

/** Spreads HTTP and WebSockets over servers. Sessions over long polling stay with the server at which they began. */
export class Balancer {
  readonly backends = new Backends(() => performance.now())
  private readonly server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => this.pass(request, response),
  )
  /** Long polling holds a connection each, so that their number has no bound here. */
  private readonly agent = new Agent({ keepAlive: true })
  private readonly proxy = createProxyServer({ agent: this.agent, upgradeTimeout: UPGRADE_TIMEOUT_MS })
  private readonly proxies: Proxies
  /** Handshakes over long polling that are under way, with the server that was chosen. */
  private readonly beginning = new WeakMap<IncomingMessage, Backend>()
  private readonly upgrades = new Set<Duplex>()
  /** Those of them whose server has not answered yet. */
  private readonly unanswered = new WeakSet<Duplex>()

  /** `trusted`: whose `X-Forwarded-*` counts, should there be a proxy before this one. */
  constructor(trusted: readonly string[]) {
    this.proxies = new Proxies(trusted)
    this.server.on('upgrade', (request, socket, head) => this.passUpgrade(request, socket, head))
    this.proxy.on('proxyRes', (answer, request) => {
      const backend = this.beginning.get(request)
      if (backend !== undefined) readSessionId(answer, (id) => this.backends.remember(id, backend))
    })
    this.proxy.on('proxyReqWs', (upstream, _request, socket) => {
      const answered = () => this.unanswered.delete(socket)
      upstream.once('response', answered)
      upstream.once('upgrade', (_answer, other) => {
        answered()
        // The proxy passes on the end of a connection, and not that it was cut.
        socket.once('close', () => other.destroy())
      })
    })
    this.proxy.on('error', (_error, _request, to) => {
      if (to instanceof ServerResponse) answerUnavailable(to, to.headersSent)
      else if (to !== undefined) answerUnavailable(to, !this.unanswered.delete(to))
    })
  }

  /** Answers the port; rejects where that is taken. Until there are servers, everything is answered with 503. */
  async listen(host: string, port: number): Promise<number> {
    this.server.listen({ host, port, backlog: BACKLOG })
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    for (const socket of this.upgrades) socket.destroy()
    await closed
    this.agent.destroy()
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const session = sessionUse(request)
    const backend = this.backends.choose(session.kind === 'goes-on' ? session.id : null)
    if (backend === null) {
      answerUnavailable(response, false)
      return
    }
    if (session.kind === 'begins') this.beginning.set(request, backend)
    response.once('close', this.backends.occupy(backend))
    const { url: target } = backend
    this.proxy.web(request, response, { target, headers: this.forwarded(request) }).catch(ignored)
  }

  private passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const session = sessionUse(request)
    const backend = this.backends.choose(session.kind === 'goes-on' ? session.id : null)
    socket.on('error', ignored)
    if (backend === null) {
      answerUnavailable(socket, false)
      return
    }
    const free = this.backends.occupy(backend)
    this.upgrades.add(socket)
    this.unanswered.add(socket)
    socket.once('close', () => {
      this.upgrades.delete(socket)
      free()
    })
    const options = { target: backend.url, headers: this.forwarded(request) }
    this.proxy.ws(request, socket as Parameters<typeof this.proxy.ws>[1], options, head).catch(ignored)
  }

  /** In the place of what the client may have sent under these names. */
  private forwarded(request: IncomingMessage): Record<string, string> {
    return {
      'x-forwarded-for': this.proxies.ipOf(request),
      'x-forwarded-proto': this.proxies.isHttps(request) ? 'https' : 'http',
    }
  }
}

/** Whatever goes wrong with one request is told by the event `error` of the proxy, and of a broken connection nobody has to know. */
const ignored = (): undefined => undefined
