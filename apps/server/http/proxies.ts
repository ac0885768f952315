import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import proxyAddr from '@fastify/proxy-addr'

/** Where requests really come from: `X-Forwarded-*` counts from trusted proxies, and from nobody else. */
export class Proxies {
  private readonly isTrusted: (address: string, hop: number) => boolean

  constructor(trusted: readonly string[]) {
    this.isTrusted = trusted.length === 0 ? () => false : proxyAddr.compile([...trusted])
  }

  ipOf(request: IncomingMessage): string {
    const claimed = proxyAddr(request, this.isTrusted)
    return isIP(claimed) === 0 ? (request.socket.remoteAddress ?? '') : claimed
  }

  isHttps(request: IncomingMessage): boolean {
    if (request.socket instanceof TLSSocket) return true
    if (!this.isTrusted(request.socket.remoteAddress ?? '', 0)) return false
    // The last entry is the one that the trusted proxy itself wrote.
    return (
      String(request.headers['x-forwarded-proto'] ?? '')
        .split(',')
        .at(-1)
        ?.trim() === 'https'
    )
  }

  /** Straight from this machine, and not through a proxy that runs on it. */
  isLocal(request: IncomingMessage): boolean {
    const forwarded = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']
    return (
      LOOPBACK.test(request.socket.remoteAddress ?? '') && !forwarded.some((name) => name in request.headers)
    )
  }
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
