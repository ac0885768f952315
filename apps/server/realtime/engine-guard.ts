import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Origins } from '../http/origins.js'
import type { Proxies } from '../http/proxies.js'
import { CONNECTIONS_PER_IP } from './limits.js'
import { Links } from './links.js'
import type { RealtimeServer } from './wire.js'

const PATH = '/socket.io/'
/** What the protocol itself puts into a URL. A token there would end up in logs and histories, so nothing else is taken. */
const PARAMETERS = new Set(['EIO', 'transport', 'sid', 't', 'b64', 'j'])

type Parts = {
  readonly origins: Origins
  readonly proxies: Proxies
  readonly limitFactor: number
  /** Whether browsers find the server by HTTPS whatever the request says. */
  readonly publicHttps: boolean
}

/** The part of an Engine.IO session that is used here; its own type is not exported. */
type EngineSession = {
  readonly id: string
  readonly request: IncomingMessage
  once(event: 'close', listener: () => void): unknown
}

/** Looks at every request of the transport, polling and upgrades alike, before Socket.io does. */
export function guardEngine(io: RealtimeServer, parts: Parts): void {
  const { proxies } = parts
  const links = new Links((request) => proxies.ipOf(request))
  const connections = new Map<string, number>()
  const isFull = (ip: string) => (connections.get(ip) ?? 0) >= CONNECTIONS_PER_IP * parts.limitFactor

  io.engine.use((request: IncomingMessage, _response: ServerResponse, next: (error?: Error) => void) => {
    const refusal = refusalOf(request, parts.origins)
    if (refusal !== null) return next(new Error(refusal))
    const sid = new URLSearchParams(request.url?.slice(PATH.length + 1)).get('sid')
    if (sid !== null)
      return links.isOwner(sid, request) ? next() : next(new Error('session of another client'))
    if (isFull(proxies.ipOf(request))) return next(new Error('too many connections'))
    links.open(request)
    next()
  })

  io.engine.on('initial_headers', (headers: Record<string, string>, request: IncomingMessage) => {
    const cookie = links.cookieFor(request, parts.publicHttps || proxies.isHttps(request))
    if (cookie !== null) headers['set-cookie'] = cookie
  })

  io.engine.on('connection', (session: EngineSession) => {
    const ip = proxies.ipOf(session.request)
    links.opened(session.id, session.request)
    connections.set(ip, (connections.get(ip) ?? 0) + 1)
    session.once('close', () => {
      links.closed(session.id)
      const left = (connections.get(ip) ?? 1) - 1
      if (left === 0) connections.delete(ip)
      else connections.set(ip, left)
    })
  })
}

function refusalOf(request: IncomingMessage, origins: Origins): string | null {
  const { url = '', headers } = request
  const end = url.indexOf('?')
  if (url.slice(0, end === -1 ? undefined : end) !== PATH) return 'unknown path'
  const parameters = new URLSearchParams(end === -1 ? '' : url.slice(end))
  const names = [...parameters.keys()]
  if (names.some((name) => !PARAMETERS.has(name))) return 'unknown parameter'
  if (new Set(names).size !== names.length) return 'repeated parameter'
  if (parameters.get('EIO') !== '4') return 'unknown protocol'
  // A browser always sends the origin of the page; other programs need none.
  if (headers.origin !== undefined && !origins.isAllowed(headers.origin)) return 'foreign origin'
  return null
}
