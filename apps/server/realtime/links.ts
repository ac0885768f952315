import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { fastifyCookie } from '@fastify/cookie'

const COOKIE = 'parley-link'
const SECRET = /^[A-Za-z0-9_-]{22,64}$/

type Link = {
  readonly secret: string
  readonly isNew: boolean
  readonly ip: string
  readonly userAgent: string
  /** Whether this client has shown that it keeps cookies. */
  presented: boolean
}

const secretIn = (request: IncomingMessage): string | null => {
  const value = fastifyCookie.parse(request.headers.cookie ?? '')[COOKIE]
  return value !== undefined && SECRET.test(value) ? value : null
}

/**
 * Ties each Engine.IO session to the client that opened it, so that knowing a `sid` is not enough to read or send as another.
 * A client that keeps cookies must present the one it got; from one that does not, the address and the user agent must match.
 */
export class Links {
  private readonly opening = new WeakMap<IncomingMessage, Link>()
  private readonly bySid = new Map<string, Link>()

  constructor(private readonly ipOf: (request: IncomingMessage) => string) {}

  /** Before a session is opened. All tabs of a browser share its cookies, so one that comes along is kept. */
  open(request: IncomingMessage): void {
    const known = secretIn(request)
    const secret = known ?? randomBytes(24).toString('base64url')
    const client = { ip: this.ipOf(request), userAgent: request.headers['user-agent'] ?? '' }
    this.opening.set(request, { ...client, secret, isNew: known === null, presented: known !== null })
  }

  /** What to set with the first answer of a session; null where the client has its cookie. */
  cookieFor(request: IncomingMessage, secure: boolean): string | null {
    const link = this.opening.get(request)
    if (link === undefined || !link.isNew) return null
    const attributes = { path: '/socket.io/', httpOnly: true, sameSite: 'strict', secure } as const
    return fastifyCookie.serialize(COOKIE, link.secret, attributes)
  }

  opened(sid: string, request: IncomingMessage): void {
    const link = this.opening.get(request)
    if (link !== undefined) this.bySid.set(sid, link)
  }

  closed(sid: string): void {
    this.bySid.delete(sid)
  }

  isOwner(sid: string, request: IncomingMessage): boolean {
    const link = this.bySid.get(sid)
    if (link === undefined) return false
    if (secretIn(request) === link.secret) {
      link.presented = true
      return true
    }
    // Programs name themselves when they poll and often not when they upgrade.
    const userAgent = request.headers['user-agent'] ?? ''
    const isSameAgent = userAgent === link.userAgent || userAgent === '' || link.userAgent === ''
    return !link.presented && isSameAgent && this.ipOf(request) === link.ip
  }
}
